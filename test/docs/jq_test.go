package docs

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/itchyny/gojq"
)

// jq does what jq does with the flags that the pages use.
func jq(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("jq", flag.ContinueOnError)
	_ = flags.Bool("c", true, "print an object on one line, as is done anyway")
	raw := flags.Bool("r", false, "print strings as they are")
	slurp := flags.Bool("s", false, "make one array of all that is read")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("jq: one filter is all that is understood here, not %q", flags.Args())
	}
	query, err := gojq.Parse(flags.Arg(0))
	if err != nil {
		return err
	}
	inputs, err := values(in)
	if err != nil {
		return err
	}
	if *slurp {
		inputs = []any{inputs}
	}
	for _, input := range inputs {
		if err := answer(query, input, *raw, out); err != nil {
			return err
		}
	}
	return nil
}

// values are all values of JSON that can be read.
func values(in io.Reader) ([]any, error) {
	all := []any{}
	for decoder := json.NewDecoder(in); ; {
		var value any
		switch err := decoder.Decode(&value); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, value)
	}
}

// answer prints what a query finds in a value.
func answer(query *gojq.Query, value any, raw bool, out io.Writer) error {
	for found := query.Run(value); ; {
		value, more := found.Next()
		if !more {
			return nil
		}
		if err, failed := value.(error); failed {
			return err
		}
		text, isText := value.(string)
		if !raw || !isText {
			marshalled, err := gojq.Marshal(value)
			if err != nil {
				return err
			}
			text = string(marshalled)
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
}
