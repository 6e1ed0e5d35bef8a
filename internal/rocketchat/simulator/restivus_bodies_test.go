package simulator

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// typed is a reset by the administrator with this body under this content type.
func typed(path, contentType, body string) *http.Request {
	r := request(http.MethodPost, path, "admin", TokenBypass, body)
	r.Header.Del("Content-Type")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// TestBodiesBeforeHono says for each body whom it resets, on both routes alike.
func TestBodiesBeforeHono(t *testing.T) {
	t.Parallel()
	const (
		json  = "application/json"
		form  = "application/x-www-form-urlencoded"
		alice = `{"userId":"` + SampleAliceID + `"}`
		own   = "admin"
	)
	for name, test := range map[string]struct {
		contentType, body string
		status            int
		resets            string // the user who is reset, empty for nobody
	}{
		"a user's id":                      {json, alice, http.StatusOK, SampleAliceID},
		"with a charset, in another case":  {"Application/JSON; charset=utf-8", alice, http.StatusOK, SampleAliceID},
		"after a byte order mark":          {json, "\ufeff" + alice, http.StatusOK, SampleAliceID},
		"a user's id as a form":            {form, "userId=" + SampleAliceID, http.StatusOK, SampleAliceID},
		"a username in another case":       {json, `{"username":"ALICE"}`, http.StatusOK, SampleAliceID},
		"an empty body":                    {json, "", http.StatusOK, own},
		"an empty form":                    {form, "", http.StatusOK, own},
		"an empty object":                  {json, "{}", http.StatusOK, own},
		"no content type":                  {"", alice, http.StatusOK, own},
		"text":                             {"text/plain", alice, http.StatusOK, own},
		"several parts":                    {"multipart/form-data; boundary=x", alice, http.StatusOK, own},
		"a type that only contains JSON's": {"text/x;application/json", alice, http.StatusOK, own},
		"JSON that says it is a form":      {form, alice, http.StatusOK, own},
		"a misspelt key":                   {json, `{"userid":"` + SampleAliceID + `"}`, http.StatusOK, own},
		"a misspelt key in a form":         {form, "userid=" + SampleAliceID, http.StatusOK, own},
		"a list":                           {json, "[" + alice + "]", http.StatusOK, own},
		"an unknown key beside the id":     {json, `{"userId":"` + SampleAliceID + `","x":1}`, http.StatusOK, SampleAliceID},
		"broken JSON":                      {json, `{"userId":"` + SampleAliceID, http.StatusBadRequest, ""},
		"JSON with something after it":     {json, alice + "x", http.StatusBadRequest, ""},
		"a number":                         {json, "5", http.StatusBadRequest, ""},
		"a string":                         {json, `"` + SampleAliceID + `"`, http.StatusBadRequest, ""},
		"null":                             {json, "null", http.StatusBadRequest, ""},
		"blanks":                           {json, "  ", http.StatusBadRequest, ""},
		"an id that is a number":           {json, `{"userId":5}`, http.StatusBadRequest, ""},
		"an id that is a list in a form":   {form, "userId[]=" + SampleAliceID, http.StatusBadRequest, ""},
		"a blank id":                       {json, `{"userId":" "}`, http.StatusBadRequest, ""},
		"a null id":                        {json, `{"userId":null}`, http.StatusBadRequest, ""},
		"nobody's id":                      {json, `{"userId":"nobody"}`, http.StatusBadRequest, ""},
	} {
		for _, path := range []string{PathResetTOTP, PathResetE2EKey} {
			t.Run(name+" to "+strings.TrimPrefix(path, "/api/v1/"), func(t *testing.T) {
				t.Parallel()
				w, _ := sample(t, beforeHono)
				got := answerOf(w, typed(path, test.contentType, test.body))
				resets := ""
				for _, reset := range w.Journal().Resets {
					resets += reset.UserID
				}
				if got.Code != test.status || resets != test.resets {
					t.Errorf("status %d, resets %q, want %d, %q (%s)", got.Code, resets, test.status, test.resets, got.Body)
				}
			})
		}
	}
}

// TestTooLargeABodyBeforeHono covers the only limit that a body ever had.
func TestTooLargeABodyBeforeHono(t *testing.T) {
	t.Parallel()
	body := `{"userId":"` + SampleAliceID + `"}` + strings.Repeat(" ", maxConnectBody)
	for contentType, want := range map[string]string{
		"application/json": "413 " + htmlUTF8, "text/plain": "200",
	} {
		w, _ := sample(t, beforeHono)
		if got := told(answerOf(w, typed(PathResetTOTP, contentType, body))); got != want {
			t.Errorf("%s: %q, want %q", contentType, got, want)
		}
	}
}

// TestCutBodiesBeforeHono proves that a body which breaks off is harmless where
// it is read, and no less harmful than later where it is not.
func TestCutBodiesBeforeHono(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]int{"application/json": 0, "application/x-www-form-urlencoded": 0, "text/plain": 1} {
		w, _ := sample(t, beforeHono)
		r := typed(PathResetTOTP, contentType, "")
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(`{"userId":`), broken{})), 40
		answerOf(w, r)
		if got := w.Journal().OwnResets(); got != want {
			t.Errorf("%s: %d own resets, want %d", contentType, got, want)
		}
	}
}
