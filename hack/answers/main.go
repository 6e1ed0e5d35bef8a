// Command answers writes the answer catalogue, docs/answers.md, from the table that
// also drives the tests.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

const introduction = `# Answers

What a workspace, or something that stands before it, can do to a reset, and what comes of it. Only Rocket.Chat's own
words prove that nothing happened; whatever proves nothing once there was a connection is ` + "`Unconfirmed`" + ` and is never
followed by another call. This page is made by ` + "`make generate`" + ` from the table in ` + "`test/answers`" + `, every row of which the
tests play against the built operator.

*Reason* is that of the attempt in the record; *request* is its outcome and reason right after, *next* what it does then
by itself or whom it waits for; *workspace* is the reason of its ` + "`Ready`" + `; *seen* is what the workspace saw and did until then.
`

const head = `
## %s

| what happens | where it comes from | reason | request | next | workspace | seen |
|---|---|---|---|---|---|---|
`

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "answers:", err)
		os.Exit(1)
	}
}

// write prints a line for each row, and a heading where the attempt's result
// changes.
func write(out io.Writer) error {
	var page strings.Builder
	page.WriteString(introduction)
	var group v1alpha1.AttemptResult
	for _, row := range answers.Catalogue() {
		want := row.Want
		if want.Result != group {
			group = want.Result
			fmt.Fprintf(&page, head, group)
		}
		fmt.Fprintf(&page, "| %s | %s | `%s` | %s | %s | `%s` | %s |\n", row.Name, row.Cause, want.Attempt, request(want), next(want), want.Workspace, want.Seen)
	}
	_, err := io.WriteString(out, page.String())
	return err
}

// request is the outcome and the reason of the request right after.
func request(want answers.Want) string {
	if want.Outcome == "" {
		return fmt.Sprintf("open, %#q", want.Request)
	}
	return fmt.Sprintf("%#q, %#q", want.Outcome, want.Request)
}

// next says what comes next, and after how long where a limiter says so.
func next(want answers.Want) string {
	if want.Pause == 0 {
		return string(want.Next)
	}
	return fmt.Sprintf("%s, here after %d seconds", want.Next, int(want.Pause.Seconds()))
}
