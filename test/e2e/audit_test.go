package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// auditLines are the lines of the audit log in what an operator has printed.
func auditLines(logs string) []map[string]any {
	var lines []map[string]any
	for line := range strings.Lines(logs) {
		var said map[string]any
		if json.Unmarshal([]byte(line), &said) != nil {
			continue
		}
		if _, is := said["audit"]; is {
			lines = append(lines, said)
		}
	}
	return lines
}

// auditPage is what docs/audit.md promises.
type auditPage struct {
	events, fields []string
}

func readAuditPage(on *stage) (auditPage, error) {
	text, err := os.ReadFile(on.cluster.Path("docs", "audit.md"))
	if err != nil {
		return auditPage{}, err
	}
	table := func(head string) []string {
		_, rest, _ := strings.Cut(string(text), "| "+head+" |")
		rows, _, _ := strings.Cut(rest, "\n\n")
		var names []string
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(rows, -1) {
			names = append(names, row[1])
		}
		slices.Sort(names)
		return names
	}
	page := auditPage{events: table("event"), fields: table("field")}
	if len(page.events) == 0 || len(page.fields) == 0 {
		return page, fmt.Errorf("docs/audit.md has no table of events and fields")
	}
	return page, nil
}

// checkAudit holds everything that all operators of the suite told against the page,
// and finds outcomes and results of which nobody told.
func (s *suite) checkAudit(ctx context.Context) error {
	page, err := readAuditPage(s.shared)
	if err != nil {
		return err
	}
	s.mu.Lock()
	operators := s.operators
	s.mu.Unlock()
	told, events := map[string]bool{}, map[string]bool{}
	for i, operator := range operators {
		for _, line := range auditLines(operator.Logs()) {
			if diff := cmp.Diff(page.fields, slices.Sorted(maps.Keys(line))); diff != "" {
				return fmt.Errorf("operator %d has an audit line with other fields (-documented +told): %s\n%v", i, diff, line)
			}
			event := fmt.Sprint(line["event"])
			events[event] = true
			told[fmt.Sprint(event, line["requestUID"], line["outcome"])] = true
			told[fmt.Sprint(line["attempt"], line["result"])] = true
		}
	}
	if unfiltered() || len(events) > 1 {
		err = s.checkTold(ctx, told)
	}
	if seen := slices.Sorted(maps.Keys(events)); unfiltered() && !slices.Equal(seen, page.events) {
		return fmt.Errorf("the audit logs tell of the events %q, and the page of %q", seen, page.events)
	}
	return err
}

// checkTold finds what happened in the clusters and is in no audit log. Results of
// which a test wrote the record are known by their attempts: no operator began them.
func (s *suite) checkTold(ctx context.Context, told map[string]bool) error {
	for name, on := range map[string]*stage{"shared": s.shared, "apart": s.apart} {
		var requests v1alpha1.UserCredentialResetList
		var records v1alpha1.ResetRecordList
		if err := on.kube.List(ctx, &requests); err != nil {
			return err
		}
		if err := on.kube.List(ctx, &records); err != nil {
			return err
		}
		for _, request := range requests.Items {
			if slices.Contains(s.inherited, request.UID) {
				continue
			}
			if outcome := request.Status.Outcome; outcome != "" && !told[fmt.Sprint("RequestEnded", request.UID, outcome)] {
				return fmt.Errorf("no audit log tells that %s/%s of the %s cluster ended as %s", request.Namespace, request.Name, name, outcome)
			}
		}
		for _, record := range records.Items {
			for _, attempt := range record.Attempts {
				if truth := reset.Truth(&attempt); told[attempt.ID] && !told[attempt.ID+string(truth)] {
					return fmt.Errorf("no audit log tells of the result %q of attempt %s in %s", truth, attempt.ID, record.Name)
				}
			}
		}
	}
	return nil
}

// awaitAudit waits until an operator has told of the request that it ended, and
// returns all lines about it without what differs from run to run.
func (f *fixture) awaitAudit(operator *cluster.Operator, request *v1alpha1.UserCredentialReset) []map[string]any {
	f.t.Helper()
	var about []map[string]any
	f.poll(func() (bool, error) {
		about = slices.DeleteFunc(auditLines(operator.Logs()), func(line map[string]any) bool { return line["requestUID"] != string(request.UID) })
		return len(about) > 0 && about[len(about)-1]["event"] == "RequestEnded", nil
	})
	for _, line := range about {
		for _, key := range []string{"time", "level", "msg", "requestUID"} {
			delete(line, key)
		}
	}
	return about
}

// TestTheAuditLogTellsWhoAskedForWhatAndWhoDecided follows a reset that was approved,
// one that was denied and one that came too late through the log of the operator.
func TestTheAuditLogTellsWhoAskedForWhatAndWhoDecided(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	operator := suiteOf.operators[0]
	line := func(name string, said map[string]any) map[string]any {
		whole := map[string]any{
			"audit": true, "request": f.namespace + "/" + name, "workspace": f.namespace + "/chat", "type": "TOTP",
			"userID": simulator.SampleAliceID, "username": "alice", "host": f.server.URL, "requestedBy": requester, "justification": "TICKET-4711",
			"approvedBy": "", "deniedBy": "", "decisionMessage": "", "record": "", "attempt": "", "result": "", "outcome": "", "reason": "",
		}
		maps.Copy(whole, said)
		return whole
	}
	ask := func(name string) *v1alpha1.UserCredentialReset {
		request := f.request(name, "alice")
		request.Spec.RequestedBy, request.Spec.Justification = requester, "TICKET-4711"
		if err := f.as(requester).Create(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		f.awaitReason(name, v1alpha1.ReasonAwaitingApproval)
		return request
	}

	denied := ask("denied")
	f.decide(v1alpha1.DecisionDenied, denied, simulator.SampleAliceID)
	want := []map[string]any{line("denied", map[string]any{
		"event": "RequestEnded", "outcome": "Failed", "reason": "Denied", "deniedBy": approver, "decisionMessage": "seen the passport",
	})}
	if diff := cmp.Diff(want, f.awaitAudit(operator, denied)); diff != "" {
		t.Errorf("of the denied request (-want +told):\n%s", diff)
	}
	f.wantPosts(0)

	approved := ask("approved")
	f.decide(v1alpha1.DecisionApproved, approved, simulator.SampleAliceID)
	f.awaitReason("approved", v1alpha1.ReasonResetAccepted)
	// An attempt may have been given up before its call, if the machine was slow.
	record := f.record("approved")
	last := record.Attempts[len(record.Attempts)-1].ID
	claimed := map[string]any{
		"approvedBy": approver, "decisionMessage": "seen the passport", "record": record.Name, "attempt": last,
	}
	for _, said := range []map[string]any{
		{"event": "AttemptBegun"},
		{"event": "AttemptEnded", "result": "Succeeded", "reason": "ResetAccepted"},
		{"event": "RequestEnded", "result": "Succeeded", "outcome": "Succeeded", "reason": "ResetAccepted"},
	} {
		maps.Copy(said, claimed)
		want = append(want, line("approved", said))
	}
	told := slices.DeleteFunc(f.awaitAudit(operator, approved), func(line map[string]any) bool { return line["attempt"] != last })
	if diff := cmp.Diff(want[1:], told); diff != "" {
		t.Errorf("of the approved request (-want +told):\n%s", diff)
	}
	f.wantPosts(1)
}

// TestTheAuditLogHasNoLevel starts an operator that is to log nothing but errors.
func TestTheAuditLogHasNoLevel(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	operator := f.startOperator(cluster.OperatorOptions{Args: []string{"--log-level", "error"}})
	request := f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	if lines := f.awaitAudit(operator, request); len(lines) < 3 {
		t.Errorf("%d lines: %v", len(lines), lines)
	}
	f.wantPosts(1)
}

// TestAnExpiredRecordIsToldOfAndDeleted has an operator that keeps no record longer
// than it must meet an old one.
func TestAnExpiredRecordIsToldOfAndDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	record := f.expiredRecord()
	f.create(record)
	operator := f.startOperator(cluster.OperatorOptions{Args: []string{"--record-retention", "0s"}})
	f.poll(func() (bool, error) {
		err := f.on.kube.Get(t.Context(), client.ObjectKeyFromObject(record), &v1alpha1.ResetRecord{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	f.poll(func() (bool, error) {
		return slices.ContainsFunc(auditLines(operator.Logs()), func(line map[string]any) bool {
			return line["event"] == "RecordExpired" && line["record"] == record.Name
		}), nil
	})
	f.wantPosts(0)
}

// expiredRecord is a record of some days ago, whose request is gone.
func (f *fixture) expiredRecord() *v1alpha1.ResetRecord {
	const days = 3 * 24 * time.Hour
	request := f.request("long-ago", "alice")
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-days).Truncate(time.Second))
	return f.formerRecord(request, attempt(days, v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted))
}
