package advice

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// IncidentLabel is on every request of an incident.
const IncidentLabel = v1alpha1.Group + "/incident"

// idPrefix tells an id from a username.
const idPrefix = "id:"

// slugLimit is how much of an incident's name a request's name has.
const slugLimit = 24

// Wish is what somebody asks for, before it has a name.
type Wish struct {
	Namespace     string // of the request
	Workspace     v1alpha1.WorkspaceReference
	User          v1alpha1.UserReference
	Type          v1alpha1.ResetType
	NotAfter      time.Time
	Justification string
	RequestedBy   string
	Incident      string // its label, empty if it is none's
}

// Request is the request for the wish.
func (w Wish) Request(name string) *v1alpha1.UserCredentialReset {
	request := &v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: name},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: w.Workspace, User: w.User, Type: w.Type,
			NotAfterTime:  metav1.NewTime(w.NotAfter.UTC().Truncate(time.Second)),
			Justification: w.Justification,
			RequestedBy:   w.RequestedBy,
		},
	}
	if w.Incident != "" {
		request.Labels = map[string]string{IncidentLabel: w.Incident}
	}
	request.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("UserCredentialReset"))
	return request
}

// NameAt is a name for the wish at that time. Names are used up by requests, so it
// is another one a second later.
func (w Wish) NameAt(now time.Time) string {
	user := UserOf(w.User)
	parts := []string{slug(user, 30)}
	if parts[0] != user {
		parts = append(parts, digest(w)[:4]) // users whose names look alike
	}
	return strings.Join(append(parts, strings.ToLower(string(w.Type)), now.UTC().Format("20060102-150405")), "-")
}

// NameIn is the name of the wish in an incident: the same whenever it is asked for,
// so that nobody is reset twice for one incident.
func (w Wish) NameIn(incident string) string {
	return strings.Join([]string{IncidentSlug(incident), slug(UserOf(w.User), 24), digest(w, incident)[:10]}, "-")
}

// IncidentSlug is the incident's name as names of requests begin with it.
func IncidentSlug(incident string) string { return slug(incident, slugLimit) }

// LabelOf is the incident's name as the label has it: where something of the name had
// to be left out, another one that is shortened to the same has another label.
func LabelOf(incident string) string {
	label := IncidentSlug(incident)
	if label == incident {
		return label
	}
	sum := sha256.Sum256([]byte(incident))
	return label + "-" + hex.EncodeToString(sum[:])[:6]
}

// IsSameWish says whether the request asks for the same: another window or
// justification makes no other wish.
func (w Wish) IsSameWish(request *v1alpha1.UserCredentialReset) bool {
	return request.Spec.User == w.User && request.Spec.Type == w.Type && reset.WorkspaceOf(request) == w.workspace()
}

func (w Wish) workspace() v1alpha1.RecordedWorkspace { return reset.WorkspaceOf(w.Request("")) }

// UserOf is how the user was named.
func UserOf(user v1alpha1.UserReference) string {
	if user.Username != "" {
		return user.Username
	}
	return user.ID
}

// Written is how the user is written in a file.
func Written(user v1alpha1.UserReference) string {
	if user.Username != "" {
		return user.Username
	}
	return idPrefix + user.ID
}

func digest(w Wish, more ...string) string {
	at := w.workspace()
	words := append([]string{at.Namespace, at.Name, string(w.Type), w.User.Username, w.User.ID}, more...)
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:])
}

// slug is the text as it can stand in an object's name.
func slug(text string, limit int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	out := b.String()
	out = strings.Trim(out[:min(len(out), limit)], "-")
	if out == "" {
		return "x"
	}
	return out
}

// NameOf is the name in what kubectl prints as TYPE/NAME.
func NameOf(text string) string { return text[strings.LastIndexByte(text, '/')+1:] }

// ParseType reads a type as people write it.
func ParseType(text string) (v1alpha1.ResetType, error) {
	switch strings.ToLower(text) {
	case "totp":
		return v1alpha1.ResetTypeTOTP, nil
	case "e2e-key", "e2ekey":
		return v1alpha1.ResetTypeE2EKey, nil
	}
	return "", fmt.Errorf("%q is nothing that can be reset: say totp or e2e-key", text)
}

// ParseUser reads a username, or an id that is written as id:ID.
func ParseUser(text string) (v1alpha1.UserReference, error) {
	id, isID := strings.CutPrefix(text, idPrefix)
	name := strings.TrimPrefix(text, "@")
	switch {
	case strings.IndexFunc(text, unicode.IsControl) >= 0:
		return v1alpha1.UserReference{}, errors.New("a user's name has no control characters")
	case isID && (id == "" || strings.ContainsFunc(id, unicode.IsSpace)):
		return v1alpha1.UserReference{}, fmt.Errorf("%q is no id: write it as id:ID, without spaces", text)
	case isID:
		return v1alpha1.UserReference{ID: id}, nil
	case name == "" || name != strings.TrimSpace(name):
		return v1alpha1.UserReference{}, fmt.Errorf("%q is no username", text)
	}
	return v1alpha1.UserReference{Username: name}, nil
}

// ParseUsers reads a user a line. Blank lines and those that begin with # are left
// out, and so is who was named before.
func ParseUsers(file io.Reader) ([]v1alpha1.UserReference, error) {
	var users []v1alpha1.UserReference
	seen := map[v1alpha1.UserReference]bool{}
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		user, err := ParseUser(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if !seen[user] {
			seen[user] = true
			users = append(users, user)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return nil, errors.New("it names nobody: write a username a line, or id:ID")
	}
	return users, nil
}
