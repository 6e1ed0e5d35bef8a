package controllers

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// claim stores the attempt, so that whatever happens from here on, nobody else
// makes it: by creating the record, or by appending to the one that proves that
// nothing has happened so far. The pass goes on only if the API server is known
// to have stored this very write.
func (p *pass) claim(ctx context.Context) (*reset.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	record := p.claimRecord()
	p.holdings.put(p.held)
	p.ledger.claiming(p.held.id)
	p.auditAttempt(auditAttemptBegun, "Attempt begun", p.held)
	err := p.storeClaim(ctx, record)
	switch {
	case err == nil:
		p.claimed(record)
		return nil, nil //nolint:nilnil // no decision means: go on
	case isRefusedForGood(err):
		if !p.held.unanswered {
			p.notClaimed()
		}
		p.log.Error(err, "The API server refused the claim")
		return p.again(), nil
	}
	stored, readErr := p.readBack(ctx, record, err)
	switch {
	case readErr == nil && stored == nil:
		// There was a record, and somebody has just deleted it.
		p.notClaimed()
		p.Record, p.Attempted = nil, true
		return p.proceed(), nil
	case readErr != nil:
		p.log.Error(err, "The claim was not answered", "attempt", p.held.id, "readBack", errorText(readErr))
		return p.unanswered(), nil
	}
	return p.follow(record, stored), nil
}

// follow decides by what is stored under the record's name after a claim without
// an answer, or with a refusal.
func (p *pass) follow(wanted, stored *v1alpha1.ResetRecord) *reset.Decision {
	switch {
	case reset.IsSameClaim(stored, wanted, p.held.id):
		p.claimed(stored)
		return nil
	case reset.Attempt(stored, p.held.id) != nil:
		// An earlier write of this claim has arrived. Its time to send is not this
		// one's, so it is settled as never begun.
		p.held.stage, p.held.index = stageClaimed, reset.IndexOf(stored, p.held.id)
		p.holdings.put(p.held)
		return &reset.Decision{Step: reset.StepNone, After: conflictPause}
	case wanted.ResourceVersion != "" && stored.ResourceVersion == wanted.ResourceVersion:
		// Nothing was stored yet, and nothing keeps the write from arriving.
		return p.unanswered()
	}
	// Another's: with it there, this write can never arrive.
	p.notClaimed()
	p.Record = stored
	if decision := p.proceed(); decision != nil {
		return decision
	}
	return &reset.Decision{Step: reset.StepNone, After: conflictPause}
}

// notClaimed forgets an attempt whose claim was not stored and never will be.
func (p *pass) notClaimed() {
	p.holdings.drop(p.held)
	p.ledger.refused(p.held.id)
}

// unanswered ends the pass with a claim of which nothing is known. The id is kept:
// the next claim of the request uses it too, so that a write that arrives late is
// known to be this process's own.
func (p *pass) unanswered() *reset.Decision {
	p.held.unanswered = true
	p.holdings.put(p.held)
	p.ledger.claimed(p.held.record, p.held.id)
	return p.again()
}

// claimRecord is the record with the new attempt in it.
func (p *pass) claimRecord() *v1alpha1.ResetRecord {
	p.held = holding{id: p.newID(), stage: stageClaiming}
	if earlier, ok := p.holdings.claiming(p.Request); ok {
		p.held = earlier
	}
	p.held.claimBegan = p.clock.Local()
	attempt := v1alpha1.Attempt{
		ID:                    p.held.id,
		StartTime:             metav1.NewTime(p.clock.Now()).Rfc3339Copy(),
		SecretResourceVersion: p.secret.version,
	}
	record := reset.Approved(reset.NewRecord(p.Request, p.Target.Target, attempt), p.Approval())
	if p.Record != nil {
		record = p.Record.DeepCopy()
		record.Attempts = append(record.Attempts, attempt)
	}
	p.held.record, p.held.index = record.DeepCopy(), len(record.Attempts)-1
	return record
}

// storeClaim creates the record, or updates it against the version that the
// decision was made on.
func (p *pass) storeClaim(ctx context.Context, record *v1alpha1.ResetRecord) error {
	if record.ResourceVersion == "" {
		return p.kube.Create(ctx, record)
	}
	return p.kube.Update(ctx, record)
}

// readBack finds out what became of a claim with that error. Where the record is
// not there, the same write is made once more; unless it was there, then nil is
// returned.
func (p *pass) readBack(ctx context.Context, record *v1alpha1.ResetRecord, cause error) (*v1alpha1.ResetRecord, error) {
	var stored v1alpha1.ResetRecord
	err := p.live.Get(ctx, client.ObjectKey{Name: record.Name}, &stored)
	switch {
	case !apierrors.IsNotFound(err):
	case apierrors.IsAlreadyExists(cause), apierrors.IsNotFound(cause):
		return nil, nil //nolint:nilnil // it was there
	case record.ResourceVersion == "":
		if err := p.storeClaim(ctx, record); err != nil {
			return nil, err
		}
		return record, nil
	}
	if err != nil {
		return nil, err
	}
	return &stored, nil
}

func (p *pass) claimed(record *v1alpha1.ResetRecord) {
	p.Record = record
	p.held.stage, p.held.index = stageClaimed, reset.IndexOf(record, p.held.id)
	p.holdings.put(p.held)
	p.ledger.claimed(record, p.held.id)
}

// isRefusedForGood says whether the API server's answer means that this write was
// not stored and will not be.
func isRefusedForGood(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsUnauthorized(err) || apierrors.IsMethodNotSupported(err) || apierrors.IsRequestEntityTooLargeError(err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
