package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// look is what is asked of a page that was opened; each answer is a complaint.
const look = `(() => {
	const complaints = [];
	const complain = (yes, text) => { if (yes) complaints.push(text); };
	complain(document.querySelectorAll("main h1").length !== 1, "it has not one heading of the first level");
	complain(document.title === "", "it has no title");
	complain(document.documentElement.scrollWidth > innerWidth, "it is wider than the screen: " +
		[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth && !e.closest(".table, pre"))
			.map((e) => e.tagName + " " + e.textContent.slice(0, 40)).slice(0, 3).join("; "));
	for (const image of document.images)
		complain(!image.complete || image.naturalWidth === 0 || !image.alt, "an image is not shown or has no text: " + image.src);
	complain(getComputedStyle(document.querySelector("header")).position !== "sticky", "the style sheet does not apply");
	const menu = document.querySelector("nav details");
	complain(menu.open !== (innerWidth > 800), "the list of pages is " + (menu.open ? "open" : "closed"));
	complain(!location.pathname.endsWith("404.html") && !document.querySelector("nav [aria-current]"), "the list of pages does not show where one is");
	const [ground, text] = [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color];
	const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 382;
	complain(light(ground) === light(text) || light(ground) !== matchMedia("(prefers-color-scheme: light)").matches, "its colours are wrong: " + text + " on " + ground);
	return complaints;
})()`

// TestEveryPageIsShown opens every page on each screen, and keeps a picture of it.
func TestEveryPageIsShown(t *testing.T) {
	t.Parallel()
	if err := os.RemoveAll(*screenshots); err != nil {
		t.Fatal(err)
	}
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.size(t, s)
			for _, page := range pages(t) {
				t.Run(page, func(t *testing.T) { // a tab shows one page at a time
					b.show(t, page, filepath.Join(*screenshots, s.name, strings.TrimSuffix(page, ".html")+".png"))
				})
			}
		})
	}
}

// show opens a page, looks for what is wrong with it, and keeps a picture.
func (b *browser) show(t *testing.T, page, file string) {
	t.Helper()
	b.do(t, chromedp.Navigate(b.address+page))
	for _, complaint := range ask(t, b, chromedp.Evaluate[[]string](look)) {
		t.Error(complaint)
	}
	picture := ask(t, b, chromedp.CaptureScreenshot())
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPagesAreFound as a reader does: by typing, by a key, and by the list of pages.
//
//nolint:paralleltest,tparallel // a tab shows one page at a time
func TestPagesAreFound(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.size(t, screens()[0])
	const field, firstHit, nothing chromedp.CSS = "#search", "#found li a", "#found li.none"
	heading := func() string { return ask(t, b, chromedp.Text(chromedp.CSS("main h1"))) }

	t.Run("a page by its title", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.address+"design/index.html"), chromedp.SendKeys(field, "resetrecord"),
			chromedp.Click(firstHit), chromedp.WaitVisible(chromedp.CSS("#how-long-it-stays")))
		if got := heading(); got != "ResetRecord" {
			t.Errorf("the first hit leads to %q", got)
		}
	})
	t.Run("a section by its heading", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.address+"index.html"), chromedp.SendKeys(field, "codes by mail"),
			chromedp.Click(firstHit), chromedp.WaitVisible(chromedp.CSS("#codes-by-mail")))
		if got := ask(t, b, chromedp.Location()); !strings.HasSuffix(got, "/rocketchatworkspace.html#codes-by-mail") {
			t.Errorf("the first hit leads to %s", got)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.address+"index.html"), chromedp.SendKeys(field, "xylophone"), chromedp.WaitVisible(nothing),
			chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible(chromedp.CSS("#found")))
	})
	t.Run("with the key /", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.address+"index.html"), chromedp.KeyEvent("/"))
		if got := ask(t, b, chromedp.Evaluate[string]("document.activeElement.id")); got != "search" {
			t.Errorf("the key / leads to %q", got)
		}
	})
	t.Run("on a phone", func(t *testing.T) {
		b.size(t, screens()[1])
		b.do(t, chromedp.Navigate(b.address+"index.html"), chromedp.Click(chromedp.CSS("nav summary")),
			chromedp.Click(chromedp.CSS(`nav a[href$="operations.html"]`)), chromedp.WaitVisible(chromedp.CSS("#rights")))
		if got := heading(); got != "Operations" {
			t.Errorf("the list of pages leads to %q", got)
		}
	})
}
