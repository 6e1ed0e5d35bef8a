package advice

import (
	"fmt"
	"slices"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
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

// OncePerPerson leaves out who is asked for by a newer one of the requests as well.
func OncePerPerson(requests []v1alpha1.UserCredentialReset) []v1alpha1.UserCredentialReset {
	var once []v1alpha1.UserCredentialReset
	for i := range requests {
		request := &requests[i]
		at := slices.IndexFunc(once, func(other v1alpha1.UserCredentialReset) bool { return asksForSame(&other, request) })
		switch {
		case at < 0:
			once = append(once, *request)
		case once[at].CreationTimestamp.Before(&request.CreationTimestamp):
			once[at] = *request
		}
	}
	return once
}

// Later is the newest of the requests that the same incident made afterwards for the
// same person, nil if there is none.
func Later(request *v1alpha1.UserCredentialReset, requests []v1alpha1.UserCredentialReset) *v1alpha1.UserCredentialReset {
	var newest *v1alpha1.UserCredentialReset
	after := request.CreationTimestamp
	for i := range requests {
		other := &requests[i]
		isLater := after.Before(&other.CreationTimestamp) && other.Labels[IncidentLabel] == request.Labels[IncidentLabel]
		if isLater && request.Labels[IncidentLabel] != "" && asksForSame(other, request) {
			newest, after = other, other.CreationTimestamp
		}
	}
	return newest
}

// asksForSame says whether two requests are for the same credential of the same person,
// as far as that is known.
func asksForSame(one, other *v1alpha1.UserCredentialReset) bool {
	user := other.Spec.User
	if target := other.Status.Target; target != nil {
		user = v1alpha1.UserReference{ID: target.UserID}
	}
	return means(one, user) && one.Spec.Type == other.Spec.Type && reset.WorkspaceOf(one) == reset.WorkspaceOf(other)
}

// Repeated tells that the later request has repeated the other one, "" if there is none,
// or if that provably did nothing.
func Repeated(request, later *v1alpha1.UserCredentialReset) string {
	if later == nil || later.Status.Outcome == v1alpha1.OutcomeFailed {
		return ""
	}
	return fmt.Sprintf("%s was asked for again already, by %s (%s)", personOf(request), later.Name, orUnseen(ReasonOf(later)))
}

// AgainQuestion is what to ask before a reset that may have happened already, "" if
// it provably has not. The later request, nil if there is none, has repeated this one.
func AgainQuestion(request, later *v1alpha1.UserCredentialReset) string {
	if repeated := Repeated(request, later); repeated != "" {
		return repeated + ". Ask once more?"
	}
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
