package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/gate"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

const (
	// probeInterval is the pause between probes of a workspace in order.
	probeInterval = 10 * time.Minute
	// repairInterval is the pause between probes of one that is not: Secrets are not
	// watched, so a repair is found by looking.
	repairInterval = 10 * time.Second
	// probePause is the shortest pause between probes with the same Secret and spec,
	// however many requests ask for one.
	probePause = 2 * time.Second
	// concurrentWorkspaces is how many workspaces are probed together, of each server
	// one: so many servers may hang at the same time, less one, and the others go on.
	concurrentWorkspaces = 256
)

// +kubebuilder:rbac:groups=credentialreset.dev,resources=rocketchatworkspaces/status,verbs=update

// RocketChatWorkspaceReconciler finds out whether workspaces can be used, before
// somebody needs them.
type RocketChatWorkspaceReconciler struct {
	*Operator
	last probes
}

func (r *RocketChatWorkspaceReconciler) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.RocketChatWorkspace{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(r.workspaces.source()).
		WithOptions(controllerOptions(concurrentWorkspaces)).
		Complete(r)
}

// Reconcile probes one workspace, tells the requests that wait for it, and writes
// its status where that says anything new.
func (r *RocketChatWorkspaceReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var workspace v1alpha1.RocketChatWorkspace
	err := r.kube.Get(ctx, request.NamespacedName, &workspace)
	if err != nil {
		if apierrors.IsNotFound(err) {
			r.board.forget(request.NamespacedName)
			r.last.forget(request.NamespacedName)
			r.probes.Leave(request.String())
			r.ledger.forget(request.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err) // gone: done; otherwise again, with back-off
	}
	before := r.board.get(request.NamespacedName)
	health, probeErr := r.probe(ctx, &workspace, before)
	if probeErr != nil {
		health = reset.Unprobed(before)
	}
	if probeErr == nil && health.Reason == "" {
		return ctrl.Result{}, nil // its first probe waits for its turn, and is woken then
	}
	if health.NamesTrustedSince = (time.Time{}); len(workspace.Spec.ApprovalRequiredTypes) > 0 {
		if health.NamesTrustedSince, err = r.namesTrustedSince(ctx); err != nil {
			return ctrl.Result{}, err // again, with back-off
		}
	}
	r.board.publish(request.NamespacedName, health)
	if !health.GatesLike(before) {
		r.wakeAll(ctx, request.NamespacedName, health)
	}
	if err := r.write(ctx, &workspace, health); err != nil {
		if apierrors.IsConflict(err) {
			return ctrl.Result{RequeueAfter: conflictPause}, nil // the cache lags: again
		}
		return ctrl.Result{}, client.IgnoreNotFound(err) // gone: done; otherwise again, with back-off
	}
	if probeErr != nil {
		return ctrl.Result{}, fmt.Errorf("probe: %w", probeErr) // again, with back-off
	}
	return ctrl.Result{RequeueAfter: nextProbe(&workspace, health)}, nil // look again
}

// wakeAll has all requests looked at that wait for the workspace. Those that may go on
// now are in line before the first of them asks, so that the oldest goes first.
func (r *RocketChatWorkspaceReconciler) wakeAll(ctx context.Context, workspace types.NamespacedName, health reset.Health) {
	waiting := r.listOpen(ctx, openByWorkspace, workspace.String())
	var tickets []gate.Ticket
	for i := range waiting {
		if health.Gate(waiting[i].Spec.Type) == "" {
			tickets = append(tickets, r.ticket(ctx, &waiting[i]))
		}
	}
	r.gate.Expect(rocketchat.ServerOf(health.Host), tickets)
	for i := range waiting {
		r.requests.wake(client.ObjectKeyFromObject(&waiting[i]))
	}
}

// ticket is that of a request as the cache has it.
func (r *RocketChatWorkspaceReconciler) ticket(ctx context.Context, request *v1alpha1.UserCredentialReset) gate.Ticket {
	var record v1alpha1.ResetRecord
	if ref := request.Status.RecordRef; ref != nil {
		if err := r.kube.Get(ctx, client.ObjectKey{Name: ref.Name}, &record); client.IgnoreNotFound(err) != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Read the record of a waiting request", "record", ref.Name)
		}
	}
	return ticketOf(request, &record)
}

// nextProbe is when to look again.
func nextProbe(w *v1alpha1.RocketChatWorkspace, health reset.Health) time.Duration {
	interval := repairInterval
	if reset.IsInOrder(w, health) {
		interval = probeInterval
	}
	// Workspaces are not all probed at once.
	return interval - reset.Spread(w.UID, interval/5)
}

// probe begins with the Secret. With the one that was refused before, or has just
// been probed, nothing is called.
func (r *RocketChatWorkspaceReconciler) probe(ctx context.Context, w *v1alpha1.RocketChatWorkspace, before reset.Health) (reset.Health, error) {
	name, waits := client.ObjectKeyFromObject(w), false
	defer func() {
		if !waits {
			r.probes.Leave(name.String())
		}
	}()
	secret, err := readSecret(ctx, r.live, w, r.options.PlainHTTPAllowed)
	// A server that is not asked is of the version that it told last.
	probe := reset.Probe{SecretVersion: secret.version, Version: w.Status.Version}
	if fault, faulty := errors.AsType[*secretError](err); faulty {
		probe.SecretFault, probe.SecretDetail = fault.reason, fault.detail
		return reset.Diagnose(probe), nil
	}
	if err != nil {
		return reset.Health{}, err
	}
	probe.Host, probe.AccountID = secret.connection.Host(), secret.connection.UserID()
	probe.Factor = reset.FactorOf(secret.connection.SecondFactor())
	if before.SecretVersion == secret.version {
		probe.HadTOTP, probe.TwoFactor, probe.Bypass = before.AccountHasTOTP, before.TwoFactor, before.Bypass
	}
	if probe.Standing, err = r.standing(ctx, name, secret); err != nil {
		return reset.Health{}, err
	}
	if probe.Standing.Blocked != "" {
		return reset.Diagnose(probe), nil
	}
	stamp := probeStamp{secretVersion: secret.version, generation: w.Generation}
	if before.Refused && r.last.repeats(name, stamp) {
		return before, nil
	}
	if pause := r.last.pause(name, stamp, r.clock.Local()); pause > 0 {
		r.workspaces.wakeAfter(name, pause)
		return before, nil
	}
	permit, _ := r.probes.Ask(secret.connection.Server(), probeTicket(w))
	if permit == nil {
		waits = true
		return before, nil
	}
	defer permit.Release()
	r.call(ctx, secret, &probe)
	r.last.note(name, stamp, r.clock.Local())
	r.board.noteProbe(name, r.clock.Now())
	return reset.Diagnose(probe), nil
}

func probeTicket(w *v1alpha1.RocketChatWorkspace) gate.Ticket {
	name := client.ObjectKeyFromObject(w)
	return gate.Ticket{Key: name.String(), Namespace: name.Namespace, Created: w.CreationTimestamp.Time}
}

// call asks the server who it is, who the account is and what it may do.
func (r *RocketChatWorkspaceReconciler) call(ctx context.Context, secret connectionSecret, probe *reset.Probe) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout+ownAccountTimeout)
	defer cancel()
	chat := r.dial(secret.connection)
	defer chat.Close()
	info, err := chat.Info(ctx)
	probe.Info, probe.Version = answerOf(err), info.Version
	logProbe(ctx, err)
	if probe.Info.Kind == reset.AnswerNotConnected {
		return
	}
	account, err := chat.Me(ctx)
	probe.Me = answerOf(err)
	logProbe(ctx, err)
	if err != nil {
		return
	}
	probe.Account = reset.Account{Username: account.Username, TOTP: account.TOTP, Email: account.Email, Password: account.Password}
	permissions, err := chat.Permitted(ctx, account.Roles)
	probe.Permissions = answerOf(err)
	logProbe(ctx, err)
	probe.Permitted = reset.TypesPermittedBy(permissions)
	inquire(ctx, &probe.TwoFactor, chat.TwoFactorEnabled)
	if probe.Factor == "" {
		inquire(ctx, &probe.Bypass, chat.BypassesSecondFactor)
	}
}

// inquire asks what is good to know. Without an answer what was known still holds.
func inquire(ctx context.Context, known *reset.Known, question func(context.Context) (bool, error)) {
	yes, err := question(ctx)
	logProbe(ctx, err)
	if err == nil {
		*known = reset.KnownAs(yes)
	}
}

func logProbe(ctx context.Context, err error) {
	if err != nil {
		ctrl.LoggerFrom(ctx).Info("Probe without success", "error", err.Error())
	}
}

func (r *RocketChatWorkspaceReconciler) write(ctx context.Context, w *v1alpha1.RocketChatWorkspace, health reset.Health) error {
	next := w.DeepCopy()
	next.Status = reset.WorkspaceStatusOf(w, health, metav1.NewTime(r.clock.Now()))
	if reset.SameWorkspaceStatus(next.Status, w.Status) {
		return nil
	}
	if err := r.kube.Status().Update(ctx, next); err != nil {
		return err
	}
	before := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
	ready := meta.FindStatusCondition(next.Status.Conditions, v1alpha1.ConditionReady)
	if before == nil || before.Reason != ready.Reason {
		eventType := corev1.EventTypeNormal
		if ready.Status == metav1.ConditionFalse && ready.Reason != v1alpha1.ReasonSuspended {
			eventType = corev1.EventTypeWarning
		}
		r.events.Eventf(next, nil, eventType, ready.Reason, "Probe", "%s", ready.Message)
	}
	return nil
}
