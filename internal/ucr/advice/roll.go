package advice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// Roll is whom an incident has asked for: its requests for one type of reset at one
// workspace.
type Roll struct {
	requests []v1alpha1.UserCredentialReset
}

// RollOf picks the incident's requests that ask for what the wish does, whoever the
// user is.
func RollOf(incident string, like Wish, requests []v1alpha1.UserCredentialReset) Roll {
	var roll Roll
	for i := range requests {
		request := &requests[i]
		if request.Spec.Type == like.Type && reset.WorkspaceOf(request) == like.workspace() && isOf(incident, request) {
			roll.requests = append(roll.requests, *request)
		}
	}
	return roll
}

// isOf says whether the request is one of the incident. What was applied from Git may
// have lost its label, but not its name.
func isOf(incident string, request *v1alpha1.UserCredentialReset) bool {
	if request.Labels[IncidentLabel] == LabelOf(incident) {
		return true
	}
	wish := Wish{Namespace: request.Namespace, Workspace: request.Spec.WorkspaceRef, User: request.Spec.User, Type: request.Spec.Type}
	return wish.NameIn(incident) == request.Name
}

// Find is the request for the user, the newest if there are several, nil if there is
// none as far as that is known. It does not matter how the user was written: whom a
// request was resolved to, it has asked for.
func (r Roll) Find(user v1alpha1.UserReference) *v1alpha1.UserCredentialReset {
	var newest *v1alpha1.UserCredentialReset
	for i := range r.requests {
		request := &r.requests[i]
		if means(request, user) && (newest == nil || newest.CreationTimestamp.Before(&request.CreationTimestamp)) {
			newest = request
		}
	}
	return newest
}

func means(request *v1alpha1.UserCredentialReset, user v1alpha1.UserReference) bool {
	ids, names := []string{request.Spec.User.ID}, []string{request.Spec.User.Username}
	if target := request.Status.Target; target != nil {
		ids, names = append(ids, target.UserID), append(names, target.Username)
	}
	return user.ID != "" && slices.Contains(ids, user.ID) || user.Username != "" && slices.Contains(names, user.Username)
}

// AskNow are those of the users who can be asked for without asking for anybody twice.
// An id and a username may be the same person's, which shows once one of the two was
// resolved. So nobody is asked for by username while an id is not resolved, nor the
// other way round; where a choice is left, those go first who are fewer. What has ended
// without being resolved has reset nobody.
func (r Roll) AskNow(users []v1alpha1.UserReference) []v1alpha1.UserReference {
	ids, names := split(users)
	openIDs, openNames := split(r.unresolved())
	switch {
	case len(openIDs) > 0 && len(openNames) > 0:
		return nil
	case len(openIDs) > 0 || len(names) == 0 && len(openNames) == 0:
		return ids
	case len(openNames) > 0 || len(ids) == 0:
		return names
	case len(ids) <= len(names):
		return ids
	}
	return names
}

func split(users []v1alpha1.UserReference) (ids, names []v1alpha1.UserReference) {
	for _, user := range users {
		if user.Username == "" {
			ids = append(ids, user)
		} else if user.ID == "" {
			names = append(names, user)
		}
	}
	return ids, names
}

// unresolved is whom the requests name that may still turn out to mean anybody.
func (r Roll) unresolved() []v1alpha1.UserReference {
	var users []v1alpha1.UserReference
	for i := range r.requests {
		if r.requests[i].Status.Target == nil && r.requests[i].Status.Outcome == "" {
			users = append(users, r.requests[i].Spec.User)
		}
	}
	return users
}

// Resolved is how many of the requests do not have to be waited for to know whom they
// mean, and how many there are.
func (r Roll) Resolved() (resolved, total int) {
	return len(r.requests) - len(r.unresolved()), len(r.requests)
}

// ToAskFor tells how many users are to be asked for, and when.
func (r Roll) ToAskFor(users []v1alpha1.UserReference) string {
	const since = "since an id and a username may be the same person's"
	switch now, all := len(r.AskNow(users)), len(users); now {
	case all:
		if all == 0 {
			return "nobody: this incident has been asked for; another one needs another --incident"
		}
		return strconv.Itoa(all)
	case 0:
		return fmt.Sprintf("%d, when it is known whom earlier requests mean, %s", all, since)
	default:
		return fmt.Sprintf("%d: %d at once, %d when it is known who those are, %s", all, now, all-now, since)
	}
}

// Alias is a user for whom there is a request already, under another name than theirs.
type Alias struct {
	User    v1alpha1.UserReference
	Request v1alpha1.UserCredentialReset
}

// shownAliases is how many of them are told one by one.
const shownAliases = 5

// Aliases tells which requests the users have.
func Aliases(aliases []Alias) string {
	var texts []string
	for _, alias := range aliases[:min(len(aliases), shownAliases)] {
		texts = append(texts, fmt.Sprintf("%s: %s", Shown(Written(alias.User)), alias.Request.Name))
	}
	if more := len(aliases) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// Elsewhere tells of requests in other namespaces.
func Elsewhere(requests []v1alpha1.UserCredentialReset) string {
	var namespaces []string
	for i := range requests {
		namespaces = append(namespaces, requests[i].Namespace)
	}
	slices.Sort(namespaces)
	return fmt.Sprintf("%d in %s: %s", len(requests), strings.Join(slices.Compact(namespaces), ", "), Count(requests))
}
