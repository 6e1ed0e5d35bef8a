package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ResetType names the credential that a reset removes.
// +kubebuilder:validation:Enum=TOTP;E2EKey
type ResetType string

// The credentials that can be reset.
const (
	// ResetTypeTOTP removes the user's TOTP second factor, logs the user out
	// everywhere and deletes the user's personal access tokens.
	ResetTypeTOTP ResetType = "TOTP"
	// ResetTypeE2EKey removes the user's end-to-end encryption keys, logs the
	// user out everywhere and deletes the user's personal access tokens.
	// Messages encrypted to the old keys become unreadable to the user.
	ResetTypeE2EKey ResetType = "E2EKey"
)

// Outcome says how a request ended. It is empty while the request is open.
// +kubebuilder:validation:Enum=Succeeded;Failed;Skipped;Unconfirmed
type Outcome string

// The ways in which a request ends.
const (
	// OutcomeSucceeded means that the workspace confirmed the reset.
	OutcomeSucceeded Outcome = "Succeeded"
	// OutcomeFailed means that this request provably reset nothing.
	OutcomeFailed Outcome = "Failed"
	// OutcomeSkipped means that there was nothing to do for this request.
	OutcomeSkipped Outcome = "Skipped"
	// OutcomeUnconfirmed means that the reset may or may not have happened.
	OutcomeUnconfirmed Outcome = "Unconfirmed"
)

// WorkspaceReference points to a RocketChatWorkspace.
type WorkspaceReference struct {
	// name is the name of the RocketChatWorkspace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// namespace is the namespace of the RocketChatWorkspace. Omitted, it is the request's own. A workspace in another namespace must list the request's namespace in its allowedNamespaces.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`
}

// UserReference names a user of a workspace. When both members are set they must belong to the same user.
// +kubebuilder:validation:AtLeastOneOf=username;id
type UserReference struct {
	// username is the user's name in the workspace, without "@", in its exact spelling: upper and lower case count.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[^\s\x00-\x1f\x7f@]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$`
	Username string `json:"username,omitempty"`

	// id is the user's id in the workspace. It never changes, while a username may.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[^\s\x00-\x1f\x7f]+$`
	ID string `json:"id,omitempty"`
}

// UserCredentialResetSpec is the wish: whose credential of which kind is to be reset, where, and until when.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: delete this request to cancel it, create one under a new name to ask again",reason=FieldValueForbidden
type UserCredentialResetSpec struct {
	// workspaceRef points to the workspace that the user belongs to.
	// +required
	WorkspaceRef WorkspaceReference `json:"workspaceRef,omitzero"`

	// user names the user whose credential is to be reset: by username, by id, or by both.
	// +required
	User UserReference `json:"user,omitzero"`

	// type is the credential to reset. "TOTP" removes the user's TOTP second factor, so that a password alone logs in until the user enrols again. "E2EKey" removes the user's end-to-end encryption keys, so that messages encrypted to them become unreadable to the user. Both log the user out everywhere, delete the user's personal access tokens and mail the user; one who had no TOTP is only mailed.
	// +required
	Type ResetType `json:"type,omitempty"`

	// notAfterTime is the instant after which nothing is reset any more. It must be in the future when the request is created, at most seven days ahead. An old request that is applied again, from Git or from a backup, therefore does nothing.
	// +required
	// +kubebuilder:validation:XValidation:rule="self > timestamp('2000-01-01T00:00:00Z')",message="notAfterTime must be a time such as 2026-07-01T12:00:00Z"
	NotAfterTime metav1.Time `json:"notAfterTime,omitzero"`

	// justification is why the reset is needed, such as a ticket number. It is copied to the record, the event and the audit log.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]*$`
	Justification string `json:"justification,omitempty"`

	// ttlSecondsAfterFinished deletes the request so long after it ended as "Succeeded" or "Failed", but not before notAfterTime: whoever applies it again then finds it out of time. What was attempted stays in the ResetRecord. Omitted, the request stays.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`

	// requestedBy is who asks, as Kubernetes knows them. The policies that ship with the operator let nobody write another name than their own; with the stamping policy it is filled in. It is needed where the workspace requires approval.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]*$`
	RequestedBy string `json:"requestedBy,omitempty"`
}

// Target is the user that a request was resolved to, and where.
type Target struct {
	// host is the base URL of the workspace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Host string `json:"host,omitempty"`

	// userID is the id of the user in the workspace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UserID string `json:"userID,omitempty"`

	// username is the username of the user when it was resolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Username string `json:"username,omitempty"`
}

// RecordReference points to a ResetRecord.
type RecordReference struct {
	// name is the name of the ResetRecord, which is cluster-scoped.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// UserCredentialResetStatus is what became of the request. While the request's ResetRecord exists, it is a view of that record.
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.target) || (has(self.target) && self.target == oldSelf.target)",message="target is written once",reason=FieldValueForbidden,fieldPath=.target
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.recordRef) || (has(self.recordRef) && self.recordRef == oldSelf.recordRef)",message="recordRef is written once",reason=FieldValueForbidden,fieldPath=.recordRef
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.outcome) || has(self.outcome) && (self.outcome == oldSelf.outcome || oldSelf.outcome == 'Unconfirmed' && self.outcome in ['Succeeded', 'Failed'])",message="a finished request stays finished: its outcome cannot change, except from Unconfirmed to Succeeded or Failed",reason=FieldValueForbidden,fieldPath=.outcome
type UserCredentialResetStatus struct {
	// conditions are "Succeeded" and "Finished", present from the first write, and "Reconciling" and "Stalled", present only while they are True.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status speaks of; -1 until the operator has seen the request.
	// +optional
	// +default=-1
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// outcome is how the request ended: "Succeeded", the workspace confirmed the reset; "Failed", this request reset nothing; "Skipped", there was nothing to do; "Unconfirmed", the reset may or may not have happened and a person must look. Empty while the request is open.
	// +optional
	Outcome Outcome `json:"outcome,omitempty"`

	// target is the user that the request was resolved to.
	// +optional
	Target *Target `json:"target,omitempty,omitzero"`

	// recordRef points to the record of what was attempted. It is empty as long as nothing was.
	// +optional
	RecordRef *RecordReference `json:"recordRef,omitempty,omitzero"`

	// completionTime is when the request ended.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// UserCredentialReset asks for one reset of one user's credential. It is carried out at most once and then stays as it ended.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ucr,categories=credentialreset
// +kubebuilder:printcolumn:name="User",type=string,JSONPath=`.spec.user['username','id']`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Outcome",type=string,JSONPath=`.status.outcome`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Succeeded")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Workspace",type=string,JSONPath=`.spec.workspaceRef.name`,priority=1
// +kubebuilder:printcolumn:name="Requested-By",type=string,JSONPath=`.spec.requestedBy`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Succeeded")].message`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.type`
// +kubebuilder:selectablefield:JSONPath=`.spec.user.username`
// +kubebuilder:selectablefield:JSONPath=`.spec.workspaceRef.name`
// +kubebuilder:selectablefield:JSONPath=`.status.outcome`
type UserCredentialReset struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the wish. It cannot be changed after creation.
	// +required
	Spec UserCredentialResetSpec `json:"spec,omitzero"`

	// status is what became of the wish.
	// +optional
	// +default={}
	Status UserCredentialResetStatus `json:"status,omitempty,omitzero"`
}

// UserCredentialResetList is a list of UserCredentialResets.
//
// +kubebuilder:object:root=true
type UserCredentialResetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []UserCredentialReset `json:"items"`
}
