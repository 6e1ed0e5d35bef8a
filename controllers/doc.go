// Package controllers reads what there is, asks package reset what to do, and
// does it. It holds one reconciler a kind:
//
//   - UserCredentialResetReconciler carries requests out; the one unit with an
//     effect on a workspace is the pass in pass.go.
//   - ResetRecordReconciler gives up attempts of dead processes and deletes
//     records that nobody needs any more.
//   - RocketChatWorkspaceReconciler finds out whether a workspace can be used.
//
// Nothing in it decides what a request's state means, and nothing speaks HTTP.
package controllers
