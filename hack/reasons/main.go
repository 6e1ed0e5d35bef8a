// Command reasons writes the reason catalogue, docs/reasons.md, from the
// constants of the API and from the messages that the operator shows.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

const source = "api/v1alpha1/conditions.go"

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "reasons:", err)
		os.Exit(1)
	}
}

// write prints a section for each group of constants, in the order of the source.
func write(out io.Writer) error {
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("read the constants: %w", err)
	}
	var page strings.Builder
	page.WriteString("# Conditions and reasons\n\n" +
		"Every condition type and every reason that the operator writes, with its meaning and, where there is one, the\n" +
		"message that is shown beside it. This page is made from `" + source + "` by `make generate`.\n")
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		if err := writeGroup(&page, group); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, page.String())
	return err
}

func writeGroup(page *strings.Builder, group *ast.GenDecl) error {
	if title := paragraph(group.Doc); title != "" {
		fmt.Fprintf(page, "\n## %s\n", strings.TrimSuffix(title, "."))
	}
	page.WriteString("\n| name | meaning | message |\n|---|---|---|\n")
	for _, spec := range group.Specs {
		constant, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		literal, ok := constant.Values[0].(*ast.BasicLit)
		if !ok {
			return fmt.Errorf("%s has no literal value", constant.Names[0].Name)
		}
		name, err := strconv.Unquote(literal.Value)
		if err != nil {
			return fmt.Errorf("read the value of %s: %w", constant.Names[0].Name, err)
		}
		doc := constant.Doc
		if doc == nil {
			doc = group.Doc
		}
		meaning := strings.TrimPrefix(paragraph(doc), constant.Names[0].Name+" ")
		meaning = capitalised(strings.TrimPrefix(meaning, "means that "))
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", name, meaning, reset.MessageOf(name))
	}
	return nil
}

func paragraph(comment *ast.CommentGroup) string {
	return strings.Join(strings.Fields(comment.Text()), " ")
}

func capitalised(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
