package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Decision is what an approver says about a request.
// +kubebuilder:validation:Enum=Approved;Denied
type Decision string

// The decisions.
const (
	// DecisionApproved lets the request be carried out.
	DecisionApproved Decision = "Approved"
	// DecisionDenied ends the request for good.
	DecisionDenied Decision = "Denied"
)

// ResetApprovalSpec is one person's yes or no to one request and one user.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: delete this approval to take it back, create another one to decide anew",reason=FieldValueForbidden
type ResetApprovalSpec struct {
	// requestName is the name of the UserCredentialReset, which is in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RequestName string `json:"requestName,omitempty"`

	// requestUID is the request's metadata.uid: another request under the same name needs another decision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	RequestUID string `json:"requestUID,omitempty"`

	// userID is the id of the user whose credential is to be reset, as the request's status.target shows it. An approval counts for this user only.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UserID string `json:"userID,omitempty"`

	// decision is "Approved", which lets the request be carried out, or "Denied", which ends it for good.
	// +required
	Decision Decision `json:"decision,omitempty"`

	// message is why. It is copied to the record and the audit log.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]*$`
	Message string `json:"message,omitempty"`

	// approvedBy is who decides, as Kubernetes knows them. The policies that ship with the operator let nobody write another name than their own; with the stamping policy it is filled in. An approval without it does not count, nor one by the requester.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]*$`
	ApprovedBy string `json:"approvedBy,omitempty"`
}

// ResetApproval says yes or no to one UserCredentialReset, where the workspace's approvalRequiredTypes ask for that; elsewhere nothing looks at it. Deleted before the request is carried out, it does not count any more.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=ucra,categories=credentialreset
// +kubebuilder:printcolumn:name="Request",type=string,JSONPath=`.spec.requestName`
// +kubebuilder:printcolumn:name="User-ID",type=string,JSONPath=`.spec.userID`
// +kubebuilder:printcolumn:name="Decision",type=string,JSONPath=`.spec.decision`
// +kubebuilder:printcolumn:name="Approved-By",type=string,JSONPath=`.spec.approvedBy`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.spec.message`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.requestName`
type ResetApproval struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the decision. It cannot be changed after creation.
	// +required
	Spec ResetApprovalSpec `json:"spec,omitzero"`
}

// ResetApprovalList is a list of ResetApprovals.
//
// +kubebuilder:object:root=true
type ResetApprovalList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ResetApproval `json:"items"`
}
