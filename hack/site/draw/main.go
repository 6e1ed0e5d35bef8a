// Command draw makes an SVG of a D2 source: draw FILE writes it to standard output.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"oss.terrastruct.com/d2/d2graph"
	"oss.terrastruct.com/d2/d2layouts/d2dagrelayout"
	"oss.terrastruct.com/d2/d2lib"
	"oss.terrastruct.com/d2/d2renderers/d2svg"
	"oss.terrastruct.com/d2/d2themes/d2themescatalog"
	"oss.terrastruct.com/d2/lib/log"
	"oss.terrastruct.com/d2/lib/textmeasure"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("the one argument is the file to draw, got %q", args)
	}
	source, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	picture, err := draw(args[0], string(source))
	if err != nil {
		return fmt.Errorf("drawing %s: %w", args[0], err)
	}
	_, err = out.Write(picture)
	return err
}

// draw makes the picture, with colours for light and for dark surroundings.
func draw(name, source string) ([]byte, error) {
	ruler, err := textmeasure.NewRuler()
	if err != nil {
		return nil, err
	}
	dagre := func(string) (d2graph.LayoutGraph, error) { return d2dagrelayout.DefaultLayout, nil }
	render := &d2svg.RenderOpts{
		ThemeID: &d2themescatalog.NeutralDefault.ID, DarkThemeID: &d2themescatalog.DarkMauve.ID, Pad: new(int64(16)),
	}
	ctx := log.With(context.Background(), slog.New(slog.DiscardHandler))
	diagram, _, err := d2lib.Compile(ctx, source, &d2lib.CompileOptions{InputPath: name, LayoutResolver: dagre, Ruler: ruler}, render)
	if err != nil {
		return nil, err
	}
	return d2svg.Render(diagram, render)
}
