package site

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// What to look at and where the screenshots go.
var (
	folder      = flag.String("site", "../../dist/site", "the built documentation")
	screenshots = flag.String("screenshots", "../../dist/screenshots", "where the screenshots are written")
)

// screen is what a reader has before them.
type screen struct {
	name          string
	width, height int64
	dark          bool
}

func screens() []screen {
	return []screen{
		{name: "desktop", width: 1400, height: 1000},
		{name: "phone", width: 390, height: 844, dark: true},
	}
}

// pages are the files of the site that are HTML, from its folder on.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(*folder, func(file string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Ext(file) == ".html" {
			name, relErr := filepath.Rel(*folder, file)
			found = append(found, filepath.ToSlash(name))
			return relErr
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%s holds no pages (%v): run 'make docs'", *folder, err)
	}
	return found
}

// browser is a tab of Chromium, and what went wrong in it.
type browser struct {
	tab      context.Context
	address  string
	mu       sync.Mutex
	troubles []string
}

// open starts Chromium on a served copy of the site.
func open(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium: 'make screenshots' installs it on Debian; elsewhere install it by hand")
	}
	server := httptest.NewServer(http.FileServer(http.Dir(*folder)))
	t.Cleanup(server.Close)
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir())}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to start as root with one
	}
	tab, closeTab := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(options...))
	t.Cleanup(closeTab)
	b := &browser{tab: tab, address: server.URL + "/"}
	if err := chromedp.Listen(tab, b.hear); err != nil {
		t.Fatal("starting Chromium: ", err)
	}
	call(t, b, network.Enable, network.EnableParams{})
	call(t, b, log.Enable, cdp.Empty{})
	return b
}

// call sends a command of the protocol that has no action.
func call[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b.tab, command, params); err != nil {
		t.Fatal(command.Method, ": ", err)
	}
}

// hear keeps what a reader would find in the browser's console.
func (b *browser) hear(event any) {
	var trouble string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		trouble = "a script failed: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		trouble = "the console was written to: " + string(e.Type)
	case *log.EventEntryAdded:
		trouble = e.Entry.Text
	case *network.EventResponseReceived:
		if e.Response.Status >= http.StatusBadRequest {
			trouble = fmt.Sprintf("%s answered %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.address) && !strings.HasPrefix(e.Request.URL, "data:") {
			trouble = "something was asked of another host: " + e.Request.URL
		}
	}
	if trouble != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.troubles = append(b.troubles, trouble)
	}
}

// do takes the steps within a minute, and fails with what went wrong meanwhile.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ask(t, b, chromedp.Steps(steps...))
}

// ask is do for what has an answer.
func ask[T any](t *testing.T, b *browser, question chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, time.Minute)
	defer cancel()
	answer, err := chromedp.Run(ctx, question)
	if err != nil {
		t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, trouble := range b.troubles {
		t.Error(trouble)
	}
	b.troubles = nil
	return answer
}

// size makes the tab as large as the screen, in its colours.
func (b *browser) size(t *testing.T, s screen) {
	t.Helper()
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b.do(t, chromedp.EmulateViewport(s.width, s.height))
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}
