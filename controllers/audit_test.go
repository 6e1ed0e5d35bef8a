package controllers

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// listen has what the audit log tells and what is written come into one list, in
// their order.
func (h *harness) listen() *[]string {
	order := &[]string{}
	h.requests.options.Audit = logr.FromSlogHandler(slog.NewJSONHandler(heard{order}, nil))
	note := func(what string, obj client.Object) {
		if _, isWorkspace := obj.(*v1alpha1.RocketChatWorkspace); !isWorkspace {
			*order = append(*order, what)
		}
	}
	h.faults.Create = func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		note("claim", obj)
		return c.Create(ctx, obj, opts...)
	}
	h.faults.Patch = func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		note("result", obj)
		return patchAsServer(ctx, c, obj, patch, opts...)
	}
	h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
		if request, ok := obj.(*v1alpha1.UserCredentialReset); ok && request.Status.Outcome != "" {
			note("outcome", obj)
		}
		return c.SubResource(name).Update(ctx, obj, opts...)
	}
	return order
}

// heard puts the event of each line into a list.
type heard struct{ order *[]string }

// Write implements io.Writer.
func (h heard) Write(line []byte) (int, error) {
	var said struct{ Event, Result, Outcome string }
	if err := json.Unmarshal(line, &said); err != nil {
		return 0, err
	}
	*h.order = append(*h.order, strings.TrimSpace(said.Event+" "+said.Result+said.Outcome))
	return len(line), nil
}

// TestALineComesBeforeWhatItTellsOf covers a success, a request that is never
// claimed, and a result that cannot be written at first.
func TestALineComesBeforeWhatItTellsOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*harness)
		want    []string
	}{
		"a success": {func(*harness) {}, []string{
			"AttemptBegun", "claim", "AttemptEnded Succeeded", "result", "RequestEnded SucceededSucceeded", "outcome",
		}},
		"nothing is claimed": {func(h *harness) {
			request := h.request()
			request.Spec.User.Username = "nobody"
			if err := h.store.Update(h.t.Context(), request); err != nil {
				h.t.Fatal(err)
			}
		}, []string{"RequestEnded Failed", "outcome"}},
		"the claim is refused": {func(h *harness) {
			former := reset.NewRecord(h.newRequest("uid-0"), v1alpha1.Target{UserID: "somebody"}, v1alpha1.Attempt{
				ID: "former", StartTime: metav1.Now(), Result: v1alpha1.AttemptNotSent,
			})
			if err := h.store.Create(h.t.Context(), former); err != nil {
				h.t.Fatal(err)
			}
		}, []string{"RequestEnded Failed", "outcome"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			test.prepare(h)
			order := h.listen()
			h.reconcile()
			if !slices.Equal(*order, test.want) {
				t.Errorf("in this order: %q, want %q", *order, test.want)
			}
		})
	}
}

// TestALineCannotBeForged writes texts that would end a line, or look like fields.
func TestALineCannotBeForged(t *testing.T) {
	t.Parallel()
	const forgery = "x\",\"outcome\":\"Succeeded\"}\n{\"audit\":true,\"event\":\"RequestEnded\",\"outcome\":\"Succeeded\"}\u2028\x1b[2K"
	var out bytes.Buffer
	operator := &Operator{options: Options{Audit: logr.FromSlogHandler(slog.NewJSONHandler(&out, nil))}}
	record := &v1alpha1.ResetRecord{
		Justification: forgery, RequestedBy: forgery, Target: v1alpha1.Target{Username: forgery},
		Approval: &v1alpha1.RecordedApproval{ApprovedBy: forgery, Message: forgery},
	}
	operator.audit(auditLine{event: auditRequestEnded, record: record, outcome: v1alpha1.OutcomeFailed})
	if lines := strings.Count(out.String(), "\n"); lines != 1 {
		t.Fatalf("%d lines:\n%s", lines, out.String())
	}
	var said map[string]any
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	if said["outcome"] != "Failed" || said["justification"] != forgery || said["approvedBy"] != forgery {
		t.Errorf("the line says %v", said)
	}
	if strings.ContainsRune(out.String(), '\x1b') {
		t.Error("the line holds a control character")
	}
}

// TestADenialIsToldWithWhoDenied ends a request that was never claimed by a denial.
func TestADenialIsToldWithWhoDenied(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	operator := &Operator{options: Options{Audit: logr.FromSlogHandler(slog.NewJSONHandler(&out, nil))}}
	h := harness{name: client.ObjectKey{Namespace: "support", Name: "lost-phone"}}
	request := h.newRequest("uid-1")
	request.Spec.RequestedBy = "ann"
	request.Status.Outcome = v1alpha1.OutcomeFailed
	denial := &v1alpha1.ResetApproval{Spec: v1alpha1.ResetApprovalSpec{ApprovedBy: "rita", Message: "not her"}}
	operator.auditOutcome(request, "", nil, denial)
	operator.auditOutcome(request, v1alpha1.OutcomeFailed, nil, denial)
	var said map[string]any
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"event": "RequestEnded", "request": "support/lost-phone", "requestUID": "uid-1", "workspace": "support/chat", "type": "TOTP",
		"username": "alice", "userID": "", "host": "", "requestedBy": "ann", "approvedBy": "", "deniedBy": "rita", "decisionMessage": "not her",
		"record": "", "attempt": "", "result": "", "outcome": "Failed",
	} {
		if said[field] != want {
			t.Errorf("%s is %q, want %q", field, said[field], want)
		}
	}
}
