package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AttemptResult says what is known of one attempt. It is empty while the attempt is open.
// +kubebuilder:validation:Enum=Succeeded;NotSent;Refused;Unconfirmed
type AttemptResult string

// The results of an attempt.
const (
	// AttemptSucceeded means that the workspace confirmed the reset.
	AttemptSucceeded AttemptResult = "Succeeded"
	// AttemptNotSent means that no connection to the workspace was obtained,
	// so nothing can have happened.
	AttemptNotSent AttemptResult = "NotSent"
	// AttemptRefused means that Rocket.Chat itself said that it did nothing.
	AttemptRefused AttemptResult = "Refused"
	// AttemptUnconfirmed means everything else: the reset may have happened.
	AttemptUnconfirmed AttemptResult = "Unconfirmed"
)

// RequestReference identifies the UserCredentialReset that a record was made for.
type RequestReference struct {
	// namespace is the namespace of the request.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// name is the name of the request.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid is the UID of the request, which tells it from others under the same name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid,omitempty"`
}

// RecordedWorkspace identifies the RocketChatWorkspace that a record was made for.
type RecordedWorkspace struct {
	// namespace is the namespace of the workspace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// name is the name of the workspace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// RecordedApproval tells who approved a request.
type RecordedApproval struct {
	// approvedBy is who approved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ApprovedBy string `json:"approvedBy,omitempty"`

	// message is what the approver wrote.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`
}

// Attempt is one claim to carry out the reset, and what became of it.
// +kubebuilder:validation:XValidation:rule="self.id == oldSelf.id && self.startTime == oldSelf.startTime && self.secretResourceVersion == oldSelf.secretResourceVersion",message="an attempt's identity is frozen",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.result) || (has(self.result) && self.result == oldSelf.result && has(self.endTime) == has(oldSelf.endTime) && (!has(self.endTime) || self.endTime == oldSelf.endTime) && (has(self.lateResult) && !has(oldSelf.lateResult) || self.result == 'Unconfirmed' && has(self.reason) && self.reason == 'OwnResetSuspected' || has(self.reason) == has(oldSelf.reason) && (!has(self.reason) || self.reason == oldSelf.reason)))",message="a result is written once",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="has(self.lateResult) ? has(oldSelf.result) && oldSelf.result == 'Unconfirmed' && (!has(oldSelf.lateResult) || self.lateResult == oldSelf.lateResult) : !has(oldSelf.lateResult)",message="a late result is written once, beside Unconfirmed",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="has(self.result) ? !has(self.lateResult) || self.result == 'Unconfirmed' : !has(self.reason) && !has(self.endTime) && !has(self.lateResult)",message="an open attempt has no reason, endTime or lateResult, and only an Unconfirmed one has a lateResult"
type Attempt struct {
	// id identifies the attempt; it is random.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=36
	ID string `json:"id,omitempty"`

	// startTime is when the attempt was claimed.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// secretResourceVersion is the resourceVersion of the connection Secret that the attempt used.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	SecretResourceVersion string `json:"secretResourceVersion,omitempty"`

	// result is what is known of the attempt: "Succeeded", the workspace confirmed it; "NotSent", no connection was obtained; "Refused", the workspace itself said that it did nothing; "Unconfirmed", anything else. Empty while the attempt is open.
	// +optional
	Result AttemptResult `json:"result,omitempty"`

	// reason is why the result is what it is, in CamelCase.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z0-9]*$`
	Reason string `json:"reason,omitempty"`

	// endTime is when the result was known.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// lateResult is the truth that arrived after the attempt had been given up as "Unconfirmed".
	// +optional
	// +kubebuilder:validation:XValidation:rule="self != 'Unconfirmed'",message="a late result is the truth, which Unconfirmed is not"
	LateResult AttemptResult `json:"lateResult,omitempty"`
}

// ResetRecord is the claim, the truth and the audit trail of one request. Its name is computed from the request's namespace and name, so that the API server lets exactly one claim win. The operator alone writes it; it outlives the request.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=ucrr,categories=credentialreset
// +kubebuilder:validation:XValidation:rule="has(self.justification) ? has(oldSelf.justification) && self.justification == oldSelf.justification : !has(oldSelf.justification)",message="justification is frozen",reason=FieldValueForbidden,fieldPath=.justification
// +kubebuilder:validation:XValidation:rule="has(self.requestedBy) ? has(oldSelf.requestedBy) && self.requestedBy == oldSelf.requestedBy : !has(oldSelf.requestedBy)",message="requestedBy is frozen",reason=FieldValueForbidden,fieldPath=.requestedBy
// +kubebuilder:validation:XValidation:rule="has(self.approval) ? has(oldSelf.approval) && self.approval == oldSelf.approval : !has(oldSelf.approval)",message="approval is frozen",reason=FieldValueForbidden,fieldPath=.approval
// +kubebuilder:printcolumn:name="Namespace",type=string,JSONPath=`.request.namespace`
// +kubebuilder:printcolumn:name="Request",type=string,JSONPath=`.request.name`
// +kubebuilder:printcolumn:name="User",type=string,JSONPath=`.target.username`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.type`
// +kubebuilder:printcolumn:name="Result",type=string,JSONPath=`.attempts[-1:]['lateResult','result']`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.target.host`,priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.attempts[-1:].reason`,priority=1
// +kubebuilder:printcolumn:name="Requested-By",type=string,JSONPath=`.requestedBy`,priority=1
// +kubebuilder:printcolumn:name="Approved-By",type=string,JSONPath=`.approval.approvedBy`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.target.userID`
type ResetRecord struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// request identifies the request that the record was made for.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="request is frozen",reason=FieldValueForbidden
	Request RequestReference `json:"request,omitzero"`

	// workspace identifies the workspace that the record was made for.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="workspace is frozen",reason=FieldValueForbidden
	Workspace RecordedWorkspace `json:"workspace,omitzero"`

	// target is the user that the request was resolved to. No other user is ever reset for this request.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="target is frozen",reason=FieldValueForbidden
	Target Target `json:"target,omitzero"`

	// type is the credential that was to be reset.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="type is frozen",reason=FieldValueForbidden
	Type ResetType `json:"type,omitempty"`

	// notAfterTime is the request's: the instant after which nothing is reset.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="notAfterTime is frozen",reason=FieldValueForbidden
	NotAfterTime metav1.Time `json:"notAfterTime,omitzero"`

	// justification is the request's: why the reset was wanted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Justification string `json:"justification,omitempty"`

	// requestedBy is the request's: who asked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	RequestedBy string `json:"requestedBy,omitempty"`

	// approval is who approved the request, where the workspace required that.
	// +optional
	Approval *RecordedApproval `json:"approval,omitempty,omitzero"`

	// attempts are the claims in their order. There is a later one only where every earlier one provably did nothing.
	// +required
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	// +kubebuilder:validation:XValidation:rule="size(self) >= size(oldSelf) && size(self) <= size(oldSelf) + 1",message="attempts are appended one at a time and never removed",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="oldSelf.all(o, self.exists(n, n.id == o.id))",message="attempts are never removed",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="size(self) == size(oldSelf) || oldSelf.all(o, has(o.result) && o.result in ['NotSent', 'Refused'] && !has(o.lateResult))",message="a new attempt needs the proof that every earlier one had no effect",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="oldSelf.all(o, self[oldSelf.indexOf(o)].id == o.id)",message="attempts keep their place",reason=FieldValueForbidden
	Attempts []Attempt `json:"attempts,omitempty"`
}

// ResetRecordList is a list of ResetRecords.
//
// +kubebuilder:object:root=true
type ResetRecordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ResetRecord `json:"items"`
}
