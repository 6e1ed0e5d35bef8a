package advice

import (
	"fmt"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Again is the wish for what a request asked for once more, for the very person that
// it was resolved to, in the same incident. If it never was, the note says so.
func Again(request *v1alpha1.UserCredentialReset, notAfter time.Time, justification, who string) (Wish, string) {
	wish := Wish{
		Namespace: request.Namespace, Workspace: request.Spec.WorkspaceRef, User: request.Spec.User,
		Type: request.Spec.Type, NotAfter: notAfter, Justification: request.Spec.Justification, RequestedBy: who,
		Incident: request.Labels[IncidentLabel],
	}
	if justification != "" {
		wish.Justification = justification
	}
	target := request.Status.Target
	if target == nil {
		return wish, "the earlier request was never resolved to a person: the new one asks for the same name"
	}
	wish.User = v1alpha1.UserReference{ID: target.UserID}
	return wish, ""
}

// MayAskAgain says why the request cannot be asked for again, nil if it can.
func MayAskAgain(request *v1alpha1.UserCredentialReset) error {
	if request.Status.Outcome == "" {
		return fmt.Errorf("%s has not ended (%s): wait for it with kubectl ucr wait %s -n %s, or delete it first",
			request.Name, orUnseen(ReasonOf(request)), request.Name, request.Namespace)
	}
	return nil
}

// AgainQuestion is what to ask before a reset that may have happened already, "" if
// it provably has not.
func AgainQuestion(request *v1alpha1.UserCredentialReset) string {
	person := personOf(request)
	switch request.Status.Outcome {
	case v1alpha1.OutcomeSucceeded:
		return fmt.Sprintf("%s was reset already. Reset %s once more?", person, person)
	case v1alpha1.OutcomeUnconfirmed:
		return fmt.Sprintf("Nobody knows whether %s was reset. Have you asked them, and is it still wanted?", person)
	case v1alpha1.OutcomeSkipped:
		if reason := ReasonOf(request); reason == v1alpha1.ReasonAlreadyReset || reason == v1alpha1.ReasonAlreadyCarriedOut {
			return fmt.Sprintf("Another request reset %s already. Reset %s once more?", person, person)
		}
	case v1alpha1.OutcomeFailed:
		switch ReasonOf(request) {
		case v1alpha1.ReasonDenied:
			return "An approver denied it. Ask again all the same?"
		case v1alpha1.ReasonTargetUnconfirmed:
			return fmt.Sprintf("Nobody knows whether another request reset %s. Have you asked them, and is it still wanted?", person)
		}
	}
	return ""
}

// NameAgain is a name for the new request. It has the person's name, although the
// request names only the id.
func NameAgain(request *v1alpha1.UserCredentialReset, wish Wish, now time.Time) string {
	if request.Status.Target != nil {
		wish.User.Username = request.Status.Target.Username
	}
	return wish.NameAt(now)
}
