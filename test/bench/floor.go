package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pquerna/otp/totp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// bare makes the writes and calls that a reset takes, in their order, and nothing
// else: it does not look, decide, or think of failures.
type bare struct {
	kube client.Client
	chat *chat
	http *http.Client
	made int
}

func newBare(kube client.Client, c *chat) *bare {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.server.CA)
	return &bare{kube: kube, chat: c, http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}}
}

// serve carries requests out as they come.
func (b *bare) serve(ctx context.Context, requests <-chan *v1alpha1.UserCredentialReset) error {
	for {
		select {
		case request := <-requests:
			if err := b.carryOut(ctx, request); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *bare) carryOut(ctx context.Context, request *v1alpha1.UserCredentialReset) error {
	var secret corev1.Secret
	if err := b.kube.Get(ctx, client.ObjectKeyFromObject(b.chat.secret), &secret); err != nil {
		return err
	}
	var found struct {
		User struct {
			ID       string `json:"_id"`
			Username string `json:"username"`
		} `json:"user"`
	}
	query := url.Values{"username": {request.Spec.User.Username}}
	if err := b.call(ctx, http.MethodGet, "users.info?"+query.Encode(), nil, &found); err != nil {
		return err
	}
	b.made++
	attempt := v1alpha1.Attempt{
		ID: fmt.Sprintf("bare-%010d", b.made), StartTime: metav1.Now().Rfc3339Copy(), SecretResourceVersion: secret.ResourceVersion,
	}
	record := reset.NewRecord(request, v1alpha1.Target{Host: b.chat.server.URL, UserID: found.User.ID, Username: found.User.Username}, attempt)
	if err := b.kube.Create(ctx, record); err != nil {
		return err
	}
	if err := b.call(ctx, http.MethodPost, "users.resetTOTP", map[string]string{"userId": found.User.ID}, nil); err != nil {
		return err
	}
	result, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/attempts/0/id", "value": attempt.ID},
		{"op": "add", "path": "/attempts/0/result", "value": v1alpha1.AttemptSucceeded},
		{"op": "add", "path": "/attempts/0/reason", "value": v1alpha1.ReasonResetAccepted},
		{"op": "add", "path": "/attempts/0/endTime", "value": metav1.Now().Rfc3339Copy()},
	})
	if err != nil {
		return err
	}
	if err := b.kube.Patch(ctx, record, client.RawPatch(types.JSONPatchType, result)); err != nil {
		return err
	}
	request = request.DeepCopy()
	request.Status = reset.StatusOf(request, reset.VerdictOf(v1alpha1.ReasonResetAccepted), reset.Facts{Record: record}, time.Now())
	if err := b.kube.Status().Update(ctx, request); err != nil {
		return err
	}
	return b.kube.Create(ctx, eventFor(request))
}

func eventFor(request *v1alpha1.UserCredentialReset) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: "UserCredentialReset",
			Namespace: request.Namespace, Name: request.Name, UID: request.UID,
		},
		Type: corev1.EventTypeNormal, Reason: v1alpha1.ReasonResetAccepted, Message: "Rocket.Chat confirmed the reset",
	}
}

func (b *bare) call(ctx context.Context, method, route string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, b.chat.server.URL+"/api/v1/"+route, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("X-User-Id", simulator.SampleBotID)
	request.Header.Set("X-Auth-Token", simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT))
	if method == http.MethodPost {
		code, err := totp.GenerateCode(simulator.SampleTOTPSecret, time.Now())
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-2fa-Method", "totp")
		request.Header.Set("X-2fa-Code", code)
	}
	response, err := b.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", route, strconv.Itoa(response.StatusCode), answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
