package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OwnAccountPolicy says whether the account that the operator uses may itself be reset.
// +kubebuilder:validation:Enum=Protected;Allowed
type OwnAccountPolicy string

// The policies for the operator's own account.
const (
	// OwnAccountProtected refuses to reset the operator's own account.
	OwnAccountProtected OwnAccountPolicy = "Protected"
	// OwnAccountAllowed lets a request reset the operator's own account, which
	// ends the operator's access.
	OwnAccountAllowed OwnAccountPolicy = "Allowed"
)

// SecondFactorMethod is how the operator's account proves itself for a reset.
// +kubebuilder:validation:Enum=TOTP;Password;Email;None
type SecondFactorMethod string

// The second factors of the operator's account.
const (
	// SecondFactorTOTP means that the account is enrolled for TOTP.
	SecondFactorTOTP SecondFactorMethod = "TOTP"
	// SecondFactorPassword means that the account is asked for its password.
	SecondFactorPassword SecondFactorMethod = "Password"
	// SecondFactorEmail means that the account is asked for a mailed code.
	SecondFactorEmail SecondFactorMethod = "Email"
	// SecondFactorNone means that the account has neither; the server asks for none.
	SecondFactorNone SecondFactorMethod = "None"
)

// SecretReference points to a Secret in the workspace's own namespace.
type SecretReference struct {
	// name is the name of the Secret. Its type must be "credentialreset.dev/rocketchat-workspace".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`
}

// NamespaceSelection selects namespaces.
type NamespaceSelection struct {
	// names are the names of the selected namespaces.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Names []string `json:"names,omitempty"`
}

// ResetBudget limits how many resets are attempted in a period.
type ResetBudget struct {
	// maxResets is how many resets are attempted within periodSeconds. Omitted, it is 60.
	// +optional
	// +default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxResets int32 `json:"maxResets,omitempty"`

	// periodSeconds is the length of the period, which slides: what was attempted longer ago does not count. Omitted, it is 3600, an hour.
	// +optional
	// +default=3600
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=604800
	PeriodSeconds int32 `json:"periodSeconds,omitempty"`
}

// RocketChatWorkspaceSpec is the connection to a Rocket.Chat workspace and the policy for resets in it.
type RocketChatWorkspaceSpec struct {
	// secretRef points to the Secret that holds the URL of the workspace, the operator's account and its second factor.
	// +required
	SecretRef SecretReference `json:"secretRef,omitzero"`

	// allowedNamespaces are the namespaces whose requests may use this workspace, besides its own. Omitted, only its own may.
	// +optional
	AllowedNamespaces *NamespaceSelection `json:"allowedNamespaces,omitempty,omitzero"`

	// allowedTypes are the credentials that may be reset through this workspace: "TOTP", "E2EKey", or both.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	AllowedTypes []ResetType `json:"allowedTypes,omitempty"`

	// approvalRequiredTypes are the credentials that are reset only after somebody else than the requester has approved the request with a ResetApproval. Omitted, none needs approval.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	ApprovalRequiredTypes []ResetType `json:"approvalRequiredTypes,omitempty"`

	// protectedUserIDs are ids of users who are never reset through this workspace.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=1024
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[^\s\x00-\x1f\x7f]+$`
	ProtectedUserIDs []string `json:"protectedUserIDs,omitempty"`

	// ownAccount says whether the operator's own account may be reset: "Protected" refuses it; "Allowed" carries it out, after which the operator's token is dead and the Secret needs a new one. Omitted, it is "Protected".
	// +optional
	// +default="Protected"
	OwnAccount OwnAccountPolicy `json:"ownAccount,omitempty"`

	// budget limits how many resets are attempted, so that a mistake or a stolen account is noticed before everybody has been reset; further requests wait. Omitted, it is 60 in an hour.
	// +optional
	// +default={}
	Budget *ResetBudget `json:"budget,omitempty,omitzero"`

	// requestTimeoutSeconds is how long the workspace may take to answer a reset. Omitted, it is 10.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	RequestTimeoutSeconds int32 `json:"requestTimeoutSeconds,omitempty"`

	// suspend stops all resets through this workspace while it is true; requests wait. Omitted, it is false.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`
}

// RocketChatWorkspaceStatus is the health of the connection. It says so before the emergency, and it gates nothing by itself.
type RocketChatWorkspaceStatus struct {
	// conditions are "Ready", present from the first write, and "Reconciling" and "Stalled", present only while they are True.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status speaks of; -1 until the operator has seen the workspace.
	// +optional
	// +default=-1
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// host is the base URL of the workspace, from the Secret.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Host string `json:"host,omitempty"`

	// version is the version of Rocket.Chat as far as the server tells it, such as "8.6".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Version string `json:"version,omitempty"`

	// accountUsername is the username of the account that the operator uses.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	AccountUsername string `json:"accountUsername,omitempty"`

	// secondFactorMethod is what the account is asked for when its token does not bypass the second factor: "TOTP", "Password", "Email" or "None".
	// +optional
	SecondFactorMethod SecondFactorMethod `json:"secondFactorMethod,omitempty"`

	// permittedTypes are the credentials that the account's roles permit it to reset.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=2
	PermittedTypes []ResetType `json:"permittedTypes,omitempty"`
}

// RocketChatWorkspace is a Rocket.Chat workspace in which credentials may be reset: the connection, the policy and the health.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcws,categories=credentialreset
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.status.host`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`,priority=1
// +kubebuilder:printcolumn:name="Account",type=string,JSONPath=`.status.accountUsername`,priority=1
// +kubebuilder:printcolumn:name="Second-Factor",type=string,JSONPath=`.status.secondFactorMethod`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type RocketChatWorkspace struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the connection and the policy.
	// +required
	Spec RocketChatWorkspaceSpec `json:"spec,omitzero"`

	// status is the health of the connection.
	// +optional
	// +default={}
	Status RocketChatWorkspaceStatus `json:"status,omitempty,omitzero"`
}

// RocketChatWorkspaceList is a list of RocketChatWorkspaces.
//
// +kubebuilder:object:root=true
type RocketChatWorkspaceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RocketChatWorkspace `json:"items"`
}
