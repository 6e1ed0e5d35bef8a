package advice

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func TestParseUsers(t *testing.T) {
	t.Parallel()
	alice, bob := v1alpha1.UserReference{Username: "alice"}, v1alpha1.UserReference{Username: "bob"}
	for name, test := range map[string]struct {
		text string
		want []v1alpha1.UserReference
		says string
	}{
		"a user a line":                   {"alice\nbob\n", []v1alpha1.UserReference{alice, bob}, ""},
		"without a last line break":       {"alice\nbob", []v1alpha1.UserReference{alice, bob}, ""},
		"of another system":               {"\ufeffalice\r\nbob\r\n", []v1alpha1.UserReference{alice, bob}, ""},
		"comments and blanks":             {"# who\n\n  alice  \n#bob\n", []v1alpha1.UserReference{alice}, ""},
		"somebody twice":                  {"alice\n@alice\nalice", []v1alpha1.UserReference{alice}, ""},
		"case counts":                     {"alice\nAlice", []v1alpha1.UserReference{alice, {Username: "Alice"}}, ""},
		"ids":                             {"id:aXk9", []v1alpha1.UserReference{{ID: "aXk9"}}, ""},
		"an id without one":               {"alice\nid:", nil, `line 2: "id:" is no id`},
		"an id with a space":              {"id:a b", nil, `line 1: "id:a b" is no id`},
		"control characters":              {"al\x00ice", nil, "line 1: a user's name has no control characters"},
		"nothing but an @":                {"@", nil, `line 1: "@" is no username`},
		"nobody":                          {"# nobody\n", nil, "it names nobody"},
		"a line that is longer than much": {strings.Repeat("x", 1<<17), nil, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseUsers(strings.NewReader(test.text))
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want %q", err, test.says)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("reads %v, want %v", got, test.want)
			}
		})
	}
}

// TestNames are valid, and differ where the wishes do.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]Wish{}
	for _, user := range []v1alpha1.UserReference{
		{Username: "alice"},
		{Username: "Alice"},
		{Username: "a.lice"},
		{Username: "erin:partner.example"},
		{Username: "ж"},
		{Username: strings.Repeat("long-", 50)},
		{ID: "alice"},
		{Username: "-"},
		{ID: "aXk9mQ2tRw7LcE4Zd"},
	} {
		for _, resetType := range []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey} {
			for _, workspace := range []string{"chat", "other"} {
				wish := Wish{Namespace: "support", Workspace: v1alpha1.WorkspaceReference{Name: workspace}, User: user, Type: resetType}
				for _, incident := range []string{"breach", "Breach 2026", strings.Repeat("x", 200)} {
					name := wish.NameIn(incident)
					if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
						t.Errorf("%q is no name: %v", name, problems)
					}
					if other, taken := seen[name]; taken {
						t.Errorf("%+v and %+v in %q have one name", wish, other, incident)
					}
					seen[name] = wish
				}
				if problems := validation.IsDNS1123Label(wish.NameAt(noon)); len(problems) > 0 {
					t.Errorf("%q is no name: %v", wish.NameAt(noon), problems)
				}
			}
		}
	}
}

// TestANameInAnIncidentIsTheSame whenever, and with whatever window, it is asked for.
func TestANameInAnIncidentIsTheSame(t *testing.T) {
	t.Parallel()
	wish := Wish{
		Namespace: "support", User: v1alpha1.UserReference{Username: "alice"}, Type: v1alpha1.ResetTypeTOTP,
		Workspace: v1alpha1.WorkspaceReference{Name: "chat"}, NotAfter: noon,
	}
	name := wish.NameIn("breach")
	if !regexp.MustCompile(`^breach-alice-[0-9a-f]{10}$`).MatchString(name) {
		t.Errorf("the name is %q", name)
	}
	later := wish
	later.NotAfter, later.Justification, later.RequestedBy = noon.Add(time.Hour), "TICKET-1", "ann"
	later.Workspace.Namespace = "support" // what it is anyway
	if got := later.NameIn("breach"); got != name {
		t.Errorf("later it is %q, before it was %q", got, name)
	}
	if !later.IsSameWish(wish.Request(name)) {
		t.Error("another window makes it another wish")
	}
	later.User.Username = "bob"
	if later.IsSameWish(wish.Request(name)) {
		t.Error("another user is the same wish")
	}
	if other := wish.NameIn("breach-2"); other == name {
		t.Error("another incident has the same name")
	}
}

// TestWishesThatDifferHaveOtherNames although all that can be read of them is alike.
func TestWishesThatDifferHaveOtherNames(t *testing.T) {
	t.Parallel()
	wish := Wish{
		Namespace: "support", User: v1alpha1.UserReference{Username: "alice", ID: "a"}, Type: v1alpha1.ResetTypeTOTP,
		Workspace: v1alpha1.WorkspaceReference{Name: "chat", Namespace: "chats"},
	}
	incident := strings.Repeat("breach-", 10)
	for name, change := range map[string]func(*Wish){
		"the workspace's namespace": func(w *Wish) { w.Workspace.Namespace = "others" },
		"the workspace":             func(w *Wish) { w.Workspace.Name = "other" },
		"the id":                    func(w *Wish) { w.User.ID = "b" },
		"the case of the username":  func(w *Wish) { w.User.Username = "Alice" },
		"the type":                  func(w *Wish) { w.Type = v1alpha1.ResetTypeE2EKey },
	} {
		other := wish
		change(&other)
		if other.NameIn(incident) == wish.NameIn(incident) {
			t.Errorf("%s makes no other name", name)
		}
	}
	if wish.NameIn(incident+"1") == wish.NameIn(incident+"2") {
		t.Error("incidents whose names begin alike are one")
	}
}

func TestNameAt(t *testing.T) {
	t.Parallel()
	wish := Wish{User: v1alpha1.UserReference{Username: "alice"}, Type: v1alpha1.ResetTypeTOTP}
	if got := wish.NameAt(noon); got != "alice-totp-20260304-120000" {
		t.Errorf("the name is %q", got)
	}
	wish.User.Username = "Alice"
	if got := wish.NameAt(noon); !regexp.MustCompile(`^alice-[0-9a-f]{4}-totp-20260304-120000$`).MatchString(got) {
		t.Errorf("the name of one who looks like another is %q", got)
	}
}
