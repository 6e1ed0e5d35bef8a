package controllers

import (
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestNamesAreTrustedOnlyAsThePoliciesShip changes the policies in one way each, in
// which somebody might write the name of another.
func TestNamesAreTrustedOnlyAsThePoliciesShip(t *testing.T) {
	t.Parallel()
	type (
		policy  = admissionregistrationv1.ValidatingAdmissionPolicy
		binding = admissionregistrationv1.ValidatingAdmissionPolicyBinding
	)
	installed := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	ignore := admissionregistrationv1.Ignore
	for name, test := range map[string]struct {
		change  func(*policy, *binding)
		absent  string
		trusted bool
	}{
		"as they ship":          {trusted: true},
		"the policy is absent":  {absent: "policy"},
		"the binding is absent": {absent: "binding"},
		"the policy fails open": {change: func(p *policy, _ *binding) { p.Spec.FailurePolicy = &ignore }},
		"the policy is empty":   {change: func(p *policy, _ *binding) { p.Spec.Validations = nil }},
		"the policy excepts somebody": {change: func(p *policy, _ *binding) {
			p.Spec.MatchConditions = []admissionregistrationv1.MatchCondition{{Name: "some", Expression: "false"}}
		}},
		"the policy excepts objects with labels": {change: func(p *policy, _ *binding) {
			p.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
		}},
		"the policy excepts namespaces": {change: func(p *policy, _ *binding) {
			p.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: metav1.LabelSelectorOpExists}},
			}}
		}},
		"the policy excludes rules": {change: func(p *policy, _ *binding) {
			p.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{ExcludeResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{}}}
		}},
		"as the API server completes them": {trusted: true, change: func(p *policy, _ *binding) {
			p.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{}, ObjectSelector: &metav1.LabelSelector{}}
		}},
		"the binding only warns": {change: func(_ *policy, b *binding) {
			b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn}
		}},
		"the binding excepts namespaces": {change: func(_ *policy, b *binding) {
			b.Spec.MatchResources = &admissionregistrationv1.MatchResources{}
		}},
		"the binding is of another policy": {change: func(_ *policy, b *binding) { b.Spec.PolicyName = "other" }},
	} {
		for _, changed := range []string{policyRequestedBy, policyApprovedBy} {
			t.Run(name+" "+changed, func(t *testing.T) {
				t.Parallel()
				scheme := runtime.NewScheme()
				if err := admissionregistrationv1.AddToScheme(scheme); err != nil {
					t.Fatal(err)
				}
				builder := fake.NewClientBuilder().WithScheme(scheme)
				for _, name := range []string{policyRequestedBy, policyApprovedBy} {
					p := &policy{
						ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(installed.Add(-time.Hour))},
						Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
							Validations: []admissionregistrationv1.Validation{{Expression: "true"}},
						},
					}
					b := &binding{
						ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(installed.Add(-time.Hour))},
						Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
							PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
						},
					}
					if name == changed {
						b.CreationTimestamp = metav1.NewTime(installed)
						if test.change != nil {
							test.change(p, b)
						}
					}
					for kind, object := range map[string]client.Object{"policy": p, "binding": b} {
						if name != changed || kind != test.absent {
							builder = builder.WithObjects(object)
						}
					}
				}
				since, err := (&Operator{live: builder.Build()}).namesTrustedSince(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := time.Time{}
				if test.trusted {
					want = installed
				}
				if !since.Equal(want) {
					t.Errorf("trusted since %v, want %v", since, want)
				}
			})
		}
	}
}
