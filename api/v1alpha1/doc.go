// Package v1alpha1 holds the kinds of the group credentialreset.dev: the
// request of a reset, the record that makes it happen at most once, and the
// workspace it happens in. It also holds the status contract: every condition
// type and every reason, each with its meaning.
//
// The package validates through its schema alone; there is no webhook.
//
// +kubebuilder:object:generate=true
// +groupName=credentialreset.dev
package v1alpha1
