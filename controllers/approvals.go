package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// The policies without which people could write another name than their own into
// requests and approvals. Each has a binding of its own name.
const (
	policyRequestedBy = "usercredentialreset-requested-by.credentialreset.dev"
	policyApprovedBy  = "resetapproval-approved-by.credentialreset.dev"
)

// +kubebuilder:rbac:groups=credentialreset.dev,resources=resetapprovals,verbs=list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies;validatingadmissionpolicybindings,verbs=get,resourceNames=usercredentialreset-requested-by.credentialreset.dev;resetapproval-approved-by.credentialreset.dev

// listApprovals lists the decisions about requests of that name. The cache has an
// index of that name, the API server a field selector.
func listApprovals(ctx context.Context, reader client.Reader, request types.NamespacedName) ([]v1alpha1.ResetApproval, error) {
	var approvals v1alpha1.ResetApprovalList
	if err := reader.List(ctx, &approvals, client.InNamespace(request.Namespace), client.MatchingFields{approvalByRequest: request.Name}); err != nil {
		return nil, fmt.Errorf("list the approvals of the request: %w", err)
	}
	return approvals.Items, nil
}

// concernedByApproval is the request that somebody decided about.
func (r *UserCredentialResetReconciler) concernedByApproval(_ context.Context, object client.Object) []reconcile.Request {
	approval, ok := object.(*v1alpha1.ResetApproval)
	if !ok {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: approval.Namespace, Name: approval.Spec.RequestName}}}
}

// tellOfPolicies says at the start what the cluster lacks.
func (o *Operator) tellOfPolicies(ctx context.Context) error {
	since, err := o.namesTrustedSince(ctx)
	switch {
	case err != nil:
		ctrl.LoggerFrom(ctx).Error(err, "Look for the admission policies")
	case since.IsZero():
		ctrl.LoggerFrom(ctx).Info("Nothing keeps people from writing another name than their own into requests and approvals: "+
			"types that require approval are not reset until the policies are installed", "policies", []string{policyRequestedBy, policyApprovedBy})
	}
	return nil
}

// namesTrustedSince is since when the API server lets nobody write another name
// than their own into requests and approvals, zero if it does.
func (o *Operator) namesTrustedSince(ctx context.Context) (time.Time, error) {
	var since time.Time
	for _, name := range []string{policyRequestedBy, policyApprovedBy} {
		enforced, err := o.enforcedSince(ctx, name)
		if err != nil || enforced.IsZero() {
			return time.Time{}, err
		}
		if enforced.After(since) {
			since = enforced
		}
	}
	return since, nil
}

// enforcedSince is since when the policy is there and bound as it ships: for
// everybody and everywhere, and so that it denies. A cluster that does not know the
// kind has no such policy.
func (o *Operator) enforcedSince(ctx context.Context, name string) (time.Time, error) {
	var policy admissionregistrationv1.ValidatingAdmissionPolicy
	var binding admissionregistrationv1.ValidatingAdmissionPolicyBinding
	for _, object := range []client.Object{&policy, &binding} {
		err := o.live.Get(ctx, client.ObjectKey{Name: name}, object)
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			return time.Time{}, nil
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("read the policy %s: %w", name, err)
		}
	}
	if !sparesNobody(&policy.Spec) || !denies(&binding.Spec, name) {
		return time.Time{}, nil
	}
	if policy.CreationTimestamp.Before(&binding.CreationTimestamp) {
		return binding.CreationTimestamp.Time, nil
	}
	return policy.CreationTimestamp.Time, nil
}

// sparesNobody says whether the policy is asked about everybody, and fails closed.
func sparesNobody(policy *admissionregistrationv1.ValidatingAdmissionPolicySpec) bool {
	failsClosed := policy.FailurePolicy == nil || *policy.FailurePolicy == admissionregistrationv1.Fail
	return failsClosed && len(policy.Validations) > 0 && len(policy.MatchConditions) == 0 && matchesAll(policy.MatchConstraints)
}

// matchesAll says whether what the constraints are for is matched wherever it lies,
// whatever its labels are.
func matchesAll(constraints *admissionregistrationv1.MatchResources) bool {
	return constraints == nil || len(constraints.ExcludeResourceRules) == 0 &&
		selectsAll(constraints.NamespaceSelector) && selectsAll(constraints.ObjectSelector)
}

func selectsAll(selector *metav1.LabelSelector) bool {
	return selector == nil || len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}

// denies says whether the binding has the policy of that name refuse, everywhere.
func denies(binding *admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec, name string) bool {
	return binding.PolicyName == name && binding.MatchResources == nil && binding.ParamRef == nil &&
		slices.Contains(binding.ValidationActions, admissionregistrationv1.Deny)
}
