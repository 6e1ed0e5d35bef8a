package controllers

import (
	"context"
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
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

// trustsNames says whether the API server lets nobody write another name than
// their own into requests and approvals.
func (o *Operator) trustsNames(ctx context.Context) (bool, error) {
	for _, name := range []string{policyRequestedBy, policyApprovedBy} {
		enforced, err := o.isEnforced(ctx, name)
		if err != nil || !enforced {
			return false, err
		}
	}
	return true, nil
}

// isEnforced says whether the policy is there and bound as it ships: for everybody
// and everywhere, and so that it denies. A cluster that does not know the kind has
// no such policy.
func (o *Operator) isEnforced(ctx context.Context, name string) (bool, error) {
	var policy admissionregistrationv1.ValidatingAdmissionPolicy
	var binding admissionregistrationv1.ValidatingAdmissionPolicyBinding
	for _, object := range []client.Object{&policy, &binding} {
		err := o.live.Get(ctx, client.ObjectKey{Name: name}, object)
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read the policy %s: %w", name, err)
		}
	}
	fails := policy.Spec.FailurePolicy == nil || *policy.Spec.FailurePolicy == admissionregistrationv1.Fail
	return fails && len(policy.Spec.Validations) > 0 && len(policy.Spec.MatchConditions) == 0 &&
		binding.Spec.PolicyName == name && binding.Spec.MatchResources == nil && binding.Spec.ParamRef == nil &&
		slices.Contains(binding.Spec.ValidationActions, admissionregistrationv1.Deny), nil
}
