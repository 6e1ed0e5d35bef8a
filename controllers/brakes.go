package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// readBrakes reads what may stop a request from the API server: a cache may not
// yet know of a deletion, a suspension or a denial. The Secret is read meanwhile, by
// the name that the cache knows.
func (p *pass) readBrakes(ctx context.Context) (*reset.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, brakesTimeout)
	defer cancel()
	if there, err := p.readRequest(ctx); err != nil || !there {
		return &reset.Decision{Step: reset.StepNone}, err
	}
	cached := p.Workspace
	var unread error
	err := p.atOnce(func() (err error) {
		if p.Workspace, err = p.readWorkspace(ctx, p.live, p.Request); err != nil {
			return err
		}
		return p.readApprovals(ctx)
	}, func() error {
		p.secret, unread = readSecret(ctx, p.live, cached, p.options.PlainHTTPAllowed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Now = p.clock.Now()
	p.observeBudget(p.Observation)
	if decision := p.proceed(); decision != nil {
		return decision, nil
	}
	if p.Workspace.Spec.SecretRef != cached.Spec.SecretRef {
		p.secret, unread = readSecret(ctx, p.live, p.Workspace, p.options.PlainHTTPAllowed)
	}
	if _, faulty := errors.AsType[*secretError](unread); unread != nil && !faulty {
		return nil, unread
	}
	return nil, nil //nolint:nilnil // no decision means: go on
}

// readRequest reads the request, and says whether it is still this one. Its status
// may know of a record that the cache does not.
func (p *pass) readRequest(ctx context.Context) (bool, error) {
	var request v1alpha1.UserCredentialReset
	err := p.live.Get(ctx, p.name, &request)
	if apierrors.IsNotFound(err) || (err == nil && request.UID != p.Request.UID) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the request: %w", err)
	}
	p.Request = &request
	if p.Record == nil && request.Status.RecordRef != nil {
		p.Record, err = p.liveRecord(ctx, p.name)
	}
	return true, err
}

// readApprovals reads what approvers decided, and whether their names can be
// trusted, where the workspace requires approval.
func (p *pass) readApprovals(ctx context.Context) error {
	p.Approvals, p.NamesTrustedSince = nil, time.Time{}
	if !reset.NeedsApproval(p.Workspace, p.Request) {
		return nil
	}
	var err error
	if p.Approvals, err = listApprovals(ctx, p.live, p.name); err != nil {
		return err
	}
	p.NamesTrustedSince, err = p.namesTrustedSince(ctx)
	return err
}

// liveRecord reads the request's record from the API server, nil if there is
// none.
func (o *Operator) liveRecord(ctx context.Context, request types.NamespacedName) (*v1alpha1.ResetRecord, error) {
	var record v1alpha1.ResetRecord
	err := o.live.Get(ctx, client.ObjectKey{Name: reset.RecordName(request.Namespace, request.Name)}, &record)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // an absent record is an observation, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return &record, nil
}
