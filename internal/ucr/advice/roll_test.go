package advice

import (
	"slices"
	"strings"
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

var (
	byName = v1alpha1.UserReference{Username: "alice"}
	byID   = v1alpha1.UserReference{ID: "aXk9"}
	bob    = v1alpha1.UserReference{Username: "bob"}
	carol  = v1alpha1.UserReference{ID: "cF7k"}
)

// likeAlice is what the incidents of these tests ask for.
func likeAlice() Wish {
	return Wish{Namespace: "support", Workspace: v1alpha1.WorkspaceReference{Name: "chat", Namespace: "chats"}, Type: v1alpha1.ResetTypeTOTP}
}

// asked is an open request of the incident breach.
func asked(user v1alpha1.UserReference, changes ...func(*v1alpha1.UserCredentialReset)) v1alpha1.UserCredentialReset {
	wish := likeAlice()
	wish.User = user
	request := wish.Request(wish.NameIn("breach"))
	for _, change := range changes {
		change(request)
	}
	return *request
}

// resolved is what the workspace said.
func resolved(username, id string) func(*v1alpha1.UserCredentialReset) {
	return func(request *v1alpha1.UserCredentialReset) {
		request.Status.Target = &v1alpha1.Target{UserID: id, Username: username}
	}
}

func failed(request *v1alpha1.UserCredentialReset) { request.Status.Outcome = v1alpha1.OutcomeFailed }

func TestFind(t *testing.T) {
	t.Parallel()
	labelled := func(request *v1alpha1.UserCredentialReset) {
		request.Name, request.Labels = "alice-again", map[string]string{IncidentLabel: "breach"}
		request.CreationTimestamp = at(5)
	}
	for name, test := range map[string]struct {
		request v1alpha1.UserCredentialReset
		user    v1alpha1.UserReference
		has     bool
	}{
		"as it was written":            {asked(byName), byName, true},
		"by an id, resolved":           {asked(byName, resolved("alice", "aXk9")), byID, true},
		"by a name, resolved":          {asked(byID, resolved("alice", "aXk9")), byName, true},
		"by an id, unresolved":         {asked(byName), byID, false},
		"somebody else":                {asked(byName, resolved("alice", "aXk9")), bob, false},
		"somebody else's id":           {asked(byName, resolved("alice", "aXk9")), carol, false},
		"a name in another spelling":   {asked(byName, resolved("alice", "aXk9")), v1alpha1.UserReference{Username: "Alice"}, false},
		"it failed":                    {asked(byName, resolved("alice", "aXk9"), failed), byID, true},
		"in another namespace":         {asked(byName, func(r *v1alpha1.UserCredentialReset) { r.Namespace = "elsewhere" }), byName, true},
		"under another name, by label": {asked(byName, labelled), byName, true},
		"under another name, without":  {asked(byName, labelled, func(r *v1alpha1.UserCredentialReset) { r.Labels = nil }), byName, false},
		"of another incident":          {asked(byName, labelled, func(r *v1alpha1.UserCredentialReset) { r.Labels[IncidentLabel] = "breach-2" }), byName, false},
		"of another type":              {asked(byName, labelled, func(r *v1alpha1.UserCredentialReset) { r.Spec.Type = v1alpha1.ResetTypeE2EKey }), byName, false},
		"at another workspace":         {asked(byName, labelled, func(r *v1alpha1.UserCredentialReset) { r.Spec.WorkspaceRef.Name = "other" }), byName, false},
	} {
		found := RollOf("breach", likeAlice(), []v1alpha1.UserCredentialReset{test.request}).Find(test.user)
		if (found != nil) != test.has {
			t.Errorf("%s: found %v, want %t", name, found, test.has)
		}
	}
	roll := RollOf("breach", likeAlice(), []v1alpha1.UserCredentialReset{asked(byName), asked(byID, labelled, resolved("alice", "aXk9")), asked(byName)})
	if found := roll.Find(byName); found == nil || found.Name != "alice-again" {
		t.Errorf("of several, it finds %v", found)
	}
}

func TestAskNow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		requests []v1alpha1.UserCredentialReset
		users    []v1alpha1.UserReference
		want     []v1alpha1.UserReference
		says     string
	}{
		"nobody":                 {nil, nil, nil, "nobody: this incident has been asked for"},
		"all by name":            {nil, []v1alpha1.UserReference{byName, bob}, []v1alpha1.UserReference{byName, bob}, "2"},
		"all by id":              {nil, []v1alpha1.UserReference{byID, carol}, []v1alpha1.UserReference{byID, carol}, "2"},
		"ids are fewer":          {nil, []v1alpha1.UserReference{byName, byID, bob}, []v1alpha1.UserReference{byID}, "3: 1 at once, 2 when it is known who those are, since an id"},
		"names are fewer":        {nil, []v1alpha1.UserReference{byName, byID, carol}, []v1alpha1.UserReference{byName}, "3: 1 at once, 2 when"},
		"a name is not resolved": {[]v1alpha1.UserCredentialReset{asked(bob)}, []v1alpha1.UserReference{byID}, nil, "1, when it is known whom earlier requests mean, since an id"},
		"a name is not resolved, and others come": {[]v1alpha1.UserCredentialReset{asked(bob)}, []v1alpha1.UserReference{byID, byName}, []v1alpha1.UserReference{byName}, "2: 1 at once, 1 when"},
		"an id is not resolved":                   {[]v1alpha1.UserCredentialReset{asked(carol)}, []v1alpha1.UserReference{byName}, nil, "1, when"},
		"an id is not resolved, and others come":  {[]v1alpha1.UserCredentialReset{asked(carol)}, []v1alpha1.UserReference{byID, byName}, []v1alpha1.UserReference{byID}, "2: 1 at once"},
		"neither is resolved":                     {[]v1alpha1.UserCredentialReset{asked(carol), asked(bob)}, []v1alpha1.UserReference{byID, byName}, nil, "2, when"},
		"all are resolved":                        {[]v1alpha1.UserCredentialReset{asked(bob, resolved("bob", "bT6h"))}, []v1alpha1.UserReference{byID}, []v1alpha1.UserReference{byID}, "1"},
		"it ended without":                        {[]v1alpha1.UserCredentialReset{asked(bob, failed)}, []v1alpha1.UserReference{byID}, []v1alpha1.UserReference{byID}, "1"},
	} {
		roll := RollOf("breach", likeAlice(), test.requests)
		if got := roll.AskNow(test.users); !slices.Equal(got, test.want) {
			t.Errorf("%s: asks for %v, want %v", name, got, test.want)
		}
		if got := roll.ToAskFor(test.users); !strings.HasPrefix(got, test.says) || test.says == "2" && got != "2" {
			t.Errorf("%s: says %q, want %q", name, got, test.says)
		}
	}
}

// TestLabels differ where the names of incidents do.
func TestLabels(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, incident := range []string{
		"breach", "breach-2", "Breach", "Breach 2026", "breach-2026", "утечка", "вторая", strings.Repeat("breach-", 10) + "1", strings.Repeat("breach-", 10) + "2",
	} {
		label := LabelOf(incident)
		if other, taken := seen[label]; taken {
			t.Errorf("%q and %q have the label %s", incident, other, label)
		}
		seen[label] = incident
	}
	if LabelOf("breach-2026-03") != "breach-2026-03" {
		t.Error("a plain name is not its own label")
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	alias := Alias{User: byID, Request: asked(byName)}
	if got := Aliases([]Alias{alias}); got != "id:aXk9: "+alias.Request.Name {
		t.Errorf("says %q", got)
	}
	if got := Aliases(slices.Repeat([]Alias{alias}, 7)); !strings.HasSuffix(got, ", and 2 more") {
		t.Errorf("says %q", got)
	}
	requests := []v1alpha1.UserCredentialReset{asked(byName), asked(bob, failed)}
	requests[1].Namespace = "desk"
	if got := Elsewhere(requests); got != "2 in desk, support: 1 failed, 1 open" {
		t.Errorf("says %q", got)
	}
}
