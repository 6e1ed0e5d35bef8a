package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// canaries are the secrets of the suite in every form in which they could show.
func canaries() []string {
	var forms []string
	for _, secret := range []string{canary, canaryTOTP, simulator.PasswordDigest(canary)} {
		forms = append(forms, secret, strings.ToUpper(secret), strings.ToLower(secret), url.QueryEscape(secret))
		// Whatever stands before it shifts the encoding by one or two bytes.
		for shift := range 3 {
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			forms = append(forms, encoded[4:len(encoded)-4])
		}
	}
	return forms
}

// searchCanaries fails if any secret of the suite is anywhere in what the operators
// have said.
func (s *suite) searchCanaries(ctx context.Context) error {
	said, err := s.said(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for source, text := range said {
		for _, secret := range canaries() {
			if at := strings.Index(text, secret); at >= 0 {
				errs = append(errs, fmt.Errorf("a secret is in %s:\n%s", source, text[max(0, at-600):min(len(text), at+200)]))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// said is all that the operators have said, by its source.
func (s *suite) said(ctx context.Context) (map[string]string, error) {
	s.mu.Lock()
	operators := s.operators
	texts := map[string]string{"output of bad starts": strings.Join(s.heard, "\n")}
	s.mu.Unlock()
	for i, operator := range operators {
		texts[fmt.Sprintf("log of operator %d", i)] = operator.Logs()
	}
	for name, on := range map[string]*stage{"shared": s.shared, "apart": s.apart} {
		for _, list := range []client.ObjectList{
			&v1alpha1.UserCredentialResetList{}, &v1alpha1.ResetRecordList{}, &v1alpha1.RocketChatWorkspaceList{},
			&eventsv1.EventList{}, &corev1.EventList{}, &corev1.ConfigMapList{},
		} {
			if err := on.kube.List(ctx, list); err != nil {
				return nil, err
			}
			text, err := json.Marshal(list)
			if err != nil {
				return nil, err
			}
			texts[fmt.Sprintf("%T of the %s cluster", list, name)] = string(text)
		}
	}
	status, page, err := s.metrics(ctx, true)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the metrics page answered with %d", status)
	}
	texts["metrics"] = page
	return texts, err
}

// metrics reads the metrics page of the shared operator.
func (s *suite) metrics(ctx context.Context, authenticated bool) (int, string, error) {
	s.mu.Lock()
	operator := s.operators[0]
	s.mu.Unlock()
	return s.shared.metrics(ctx, operator, authenticated)
}

// metrics reads the metrics page of an operator, with the token of a ServiceAccount
// that has the shipped rights for it, or without any.
func (s *stage) metrics(ctx context.Context, operator *cluster.Operator, authenticated bool) (int, string, error) {
	token := ""
	if authenticated {
		var err error
		if token, err = s.cluster.Scraper(ctx); err != nil {
			return 0, "", err
		}
	}
	return operator.Metrics(ctx, token)
}

func TestMetricsAreForThoseWhoMayReadThem(t *testing.T) {
	t.Parallel()
	status, page, err := suiteOf.metrics(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusUnauthorized && status != http.StatusForbidden || strings.Contains(page, "controller_runtime") {
		t.Errorf("without a token, the metrics page answered with %d: %s", status, page)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// The API server learns of the binding a moment later.
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		status, page, err = suiteOf.metrics(ctx, true)
		return status == http.StatusOK, err
	})
	if err != nil || !strings.Contains(page, "controller_runtime_reconcile_total") {
		t.Errorf("with a token, the metrics page answered with %d: %v: %s", status, err, page)
	}
}

// TestTheSearchForCanariesLooksEverywhere sends a harmless word on every way on
// which a secret could get out, and finds it at every end.
func TestTheSearchForCanariesLooksEverywhere(t *testing.T) {
	t.Parallel()
	const word = "HARMLESS0WORD"
	f := newFixture(t, fixtureOptions{users: func(all []simulator.User) []simulator.User {
		all[0].Username = word
		return all
	}})
	request := f.request("lost-phone", "alice")
	request.Spec.Justification = word
	f.create(request)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "word"}, Data: map[string]string{"key": word},
	})
	f.awaitEvent(request, corev1.EventTypeNormal, v1alpha1.ReasonResetAccepted)
	said, err := suiteOf.said(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		"log of operator 0", "*v1alpha1.UserCredentialResetList", "*v1alpha1.ResetRecordList",
		"*v1alpha1.RocketChatWorkspaceList", "*v1.EventList", "*v1.ConfigMapList",
	} {
		found := false
		for name, text := range said {
			found = found || strings.HasPrefix(name, source) && strings.Contains(text, word)
		}
		if !found {
			t.Errorf("the word is not found in %s", source)
		}
	}
	if !strings.Contains(said["metrics"], "controller_runtime_reconcile_total") {
		t.Errorf("the metrics page shows no metrics")
	}
	// And each secret is found in each form.
	for _, secret := range []string{canary, canaryTOTP, simulator.PasswordDigest(canary)} {
		for _, text := range []string{
			secret, "Bearer " + secret + "-pat", base64.StdEncoding.EncodeToString([]byte("x=" + secret + "&y")), strings.ToLower(secret),
		} {
			found := false
			for _, form := range canaries() {
				found = found || strings.Contains(text, form)
			}
			if !found {
				t.Errorf("%s would not be found", text)
			}
		}
	}
}

// reflected is everything that a request carried, secrets included.
func reflected(r *http.Request) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", r.Method, r.URL)
	_ = r.Header.Write(&text)
	_, _ = io.Copy(&text, r.Body)
	return text.String()
}

// reflections are answers that throw back at the operator what it sent.
func reflections() map[string]func(http.ResponseWriter, *http.Request) {
	token := func(r *http.Request) string { return r.Header.Get("X-Auth-Token") }
	secrets := func(r *http.Request) string { return token(r) + " " + r.Header.Get("X-2fa-Code") + " " + canary }
	quote := func(text string) string { return string(must(json.Marshal(text))) }
	return map[string]func(http.ResponseWriter, *http.Request){
		"in a page": func(rw http.ResponseWriter, r *http.Request) {
			answers.Page(http.StatusOK, "text/html", "<html><pre>"+reflected(r)+"</pre></html>")(rw, r, nil)
		},
		"as code and text of an error": func(rw http.ResponseWriter, r *http.Request) {
			body := fmt.Sprintf(`{"success":false,"errorType":%s,"error":%s,"details":{"method":%[1]s}}`,
				quote(secrets(r)), quote(reflected(r)+" ["+secrets(r)+"]"))
			answers.Page(http.StatusBadRequest, "application/json", body)(rw, r, nil)
		},
		"as a known code and a method that is a secret": func(rw http.ResponseWriter, r *http.Request) {
			body := fmt.Sprintf(`{"success":false,"errorType":"totp-required","error":%s,"details":{"method":%[1]s}}`, quote(secrets(r)))
			answers.Page(http.StatusBadRequest, "application/json", body)(rw, r, nil)
		},
		"in a line that is no HTTP": func(rw http.ResponseWriter, r *http.Request) {
			answers.Drop(secrets(r)+" "+canary+"\r\n\r\n")(rw, r, nil)
		},
		"as a status": func(rw http.ResponseWriter, r *http.Request) {
			answers.Drop("HTTP/1.1 "+secrets(r)+"\r\n\r\n")(rw, r, nil)
		},
		"as a header that is none": func(rw http.ResponseWriter, r *http.Request) {
			answers.Drop("HTTP/1.1 200 OK\r\n"+secrets(r)+"\r\n\r\n")(rw, r, nil)
		},
		"as a length": func(rw http.ResponseWriter, r *http.Request) {
			answers.Drop("HTTP/1.1 200 OK\r\nContent-Length: "+secrets(r)+"\r\n\r\n")(rw, r, nil)
		},
		"as an encoding": func(rw http.ResponseWriter, r *http.Request) {
			answers.Drop("HTTP/1.1 200 OK\r\nTransfer-Encoding: "+token(r)+"\r\n\r\n")(rw, r, nil)
		},
		"as the size of a chunk": func(rw http.ResponseWriter, r *http.Request) {
			answers.Drop("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+token(r)+"\r\n\r\n")(rw, r, nil)
		},
		"as the place that it redirects to": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Location", "http://127.0.0.1:1/"+url.PathEscape(token(r)))
			rw.WriteHeader(http.StatusFound)
		},
		"as limits": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("X-RateLimit-Remaining", token(r))
			rw.Header().Set("X-RateLimit-Reset", token(r))
			answers.Page(http.StatusBadRequest, "application/json", `{"success":false,"error":"wait `+token(r)+` seconds"}`)(rw, r, nil)
		},
		"behind an answer that is in order": func(rw http.ResponseWriter, r *http.Request) {
			unsolicited(rw, r, secrets(r))
		},
	}
}

// TestAServerThatReflectsSecretsIsNotQuoted has a server answer with the secrets of
// the call. The search at the end of the suite must find none of them.
func TestAServerThatReflectsSecretsIsNotQuoted(t *testing.T) {
	t.Parallel()
	for name, answer := range reflections() {
		for where, routes := range map[string][]string{
			"/api/v1/users.resetTOTP": {"users.resetTOTP"},
			"/api/":                   {"me", "users.info"},
		} {
			t.Run(name+" at "+where, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, fixtureOptions{})
				f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
					if strings.HasPrefix(r.URL.Path, where) {
						answer(rw, r)
						return
					}
					next.ServeHTTP(rw, r)
				})
				f.touchWorkspace()
				f.ask("lost-phone", "alice")
				f.awaitRequest("lost-phone", func(r *v1alpha1.UserCredentialReset) bool { return reasonOf(r) != "" })
				for _, route := range routes {
					f.awaitJournal(func(j simulator.Journal) bool { return wasAnswered(j, "/api/v1/"+route) })
				}
			})
		}
	}
}

// wasAnswered says whether a call that carried a token was dealt with.
func wasAnswered(j simulator.Journal, path string) bool {
	return slices.ContainsFunc(j.Requests, func(call simulator.Request) bool {
		return call.Path == path && call.Finished && call.Header.Get("X-Auth-Token") != ""
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// unsolicited sends an answer, and one more that nobody asked for, on a connection
// that stays open.
func unsolicited(rw http.ResponseWriter, r *http.Request, secrets string) {
	// It fits every route.
	const body = `{"success":true,"version":"8.6","_id":"` + simulator.SampleBotID + `","username":"reset-bot","roles":["bot"],` +
		`"update":[{"_id":"edit-other-user-totp","roles":["bot"]},{"_id":"edit-other-user-e2ee","roles":["bot"]}],` +
		`"user":{"_id":"` + simulator.SampleAliceID + `","username":"alice"}}`
	_, _ = io.Copy(io.Discard, r.Body)
	conn, buffer, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprintf(buffer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 %s\r\n\r\n",
		len(body), body, secrets)
	_ = buffer.Flush()
	go func() {
		_, _ = io.Copy(io.Discard, conn) // until the client is done
		_ = conn.Close()
	}()
}
