package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// claim stores the attempt, so that whatever happens from here on, nobody else
// makes it: by creating the record, or by appending to the one that proves that
// nothing has happened so far. The pass goes on only if the API server is known
// to have stored it.
func (p *pass) claim(ctx context.Context) (*reset.Decision, error) {
	p.claimBegan = time.Now() //nolint:forbidigo // the send window is measured on both clocks of this machine
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	record := p.claimRecord()
	// One id for the request until its claim is answered: if the write of an earlier
	// pass arrives after all, it is known to be this process's own.
	p.holdings.put(p.held)
	err := p.storeClaim(ctx, record)
	switch {
	case err == nil:
		p.claimed(record)
		return nil, nil //nolint:nilnil // no decision means: go on
	case isRefusedForGood(err):
		p.holdings.drop(p.name)
		p.log.Error(err, "The API server refused the claim")
		return p.again(), nil
	}
	stored, readErr := p.readBack(ctx, record)
	switch {
	case readErr != nil:
		return nil, fmt.Errorf("claim: %w; read back: %w", err, readErr)
	case stored == nil:
		return nil, fmt.Errorf("claim: %w", err)
	case reset.IsSameClaim(stored, record, p.held.id):
		p.claimed(stored)
		return nil, nil //nolint:nilnil // no decision means: go on
	}
	p.holdings.drop(p.name)
	p.Record = stored
	if decision := p.proceed(); decision != nil {
		return decision, nil
	}
	return &reset.Decision{Step: reset.StepNone, After: conflictPause}, nil
}

// claimRecord is the record with the new attempt in it.
func (p *pass) claimRecord() *v1alpha1.ResetRecord {
	id := uuid.NewString()
	if held, ok := p.holdings.get(p.name); ok {
		id = held.id
	}
	attempt := v1alpha1.Attempt{
		ID:                    id,
		StartTime:             metav1.NewTime(p.clock.Now()).Rfc3339Copy(),
		SecretResourceVersion: p.secret.version,
	}
	record := reset.NewRecord(p.Request, p.Target.Target, attempt)
	if p.Record != nil {
		record = p.Record.DeepCopy()
		record.Attempts = append(record.Attempts, attempt)
	}
	p.held = holding{
		request: p.name, record: record.Name, id: id, index: len(record.Attempts) - 1, stage: stageClaiming,
	}
	return record
}

// storeClaim creates the record, or updates it against the version that the
// decision was made on.
func (p *pass) storeClaim(ctx context.Context, record *v1alpha1.ResetRecord) error {
	writer := p.kube
	if record.ResourceVersion == "" {
		return writer.Create(ctx, record)
	}
	return writer.Update(ctx, record)
}

// readBack finds out what became of a claim without an answer. Where the record
// is not there, the same write is made once more.
func (p *pass) readBack(ctx context.Context, record *v1alpha1.ResetRecord) (*v1alpha1.ResetRecord, error) {
	var stored v1alpha1.ResetRecord
	err := p.live.Get(ctx, client.ObjectKey{Name: record.Name}, &stored)
	if apierrors.IsNotFound(err) && record.ResourceVersion == "" {
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
	p.held.stage = stageClaimed
	p.holdings.put(p.held)
}

// isRefusedForGood says whether the API server's answer means that the claim was
// not stored and will not be.
func isRefusedForGood(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsUnauthorized(err) || apierrors.IsMethodNotSupported(err) || apierrors.IsRequestEntityTooLargeError(err)
}
