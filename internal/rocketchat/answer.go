package rocketchat

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"
)

// loginRequired is the text of Rocket.Chat's 401 in every release.
const loginRequired = "You must be logged in to do this."

// userNotFound is the text of users.info for a user that is not there.
const userNotFound = "User not found."

// federated begins the text for a user of another server. Its code is that of a
// missing permission.
const federated = "Federated Users"

// answer is a whole reply: its status, its headers and its bounded body.
type answer struct {
	route  string
	status int
	header http.Header
	body   []byte
	limit  RateLimit
}

// members are the members of a JSON object. Go's decoder matches names of struct
// fields regardless of case, which would make a success of {"Success":true}.
type members map[string]json.RawMessage

// object is the body as a JSON object, nil unless the answer is one.
func (a answer) object() members {
	mediaType, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || a.header.Get("Content-Encoding") != "" {
		return nil
	}
	var object members
	if err := json.Unmarshal(a.body, &object); err != nil {
		return nil
	}
	return object
}

// err is nil for a success: status 200 and a JSON object whose success is true.
func (a answer) err() error {
	object := a.object()
	if a.status == http.StatusOK && object.boolean("success") == "true" {
		return nil
	}
	text := object.text("error")
	failure := &AnswerError{
		Route:     a.route,
		Status:    a.status,
		ErrorType: known(object.text("errorType")),
		TextCode:  bracketed(text),
		Details:   object.details(),
		RateLimit: a.limit,
	}
	failure.UserNotFound = text == userNotFound
	failure.Federated = strings.HasPrefix(text, federated)
	failure.LoginRequired = a.status == http.StatusUnauthorized && object.loginRequired()
	failure.RocketChat = object.boolean("success") == "false" || failure.LoginRequired
	return failure
}

// rateLimit is what the answer says about the route's limiter, if it was asked for
// and received at these times.
func (a answer) rateLimit(clock *ServerClock, sent, received time.Time) RateLimit {
	return heard{a.status, a.header, a.object().text("error"), sent, received}.rateLimit(clock)
}

// boolean is "true" or "false", or empty where the member is no boolean.
func (m members) boolean(name string) string {
	switch text := string(m[name]); text {
	case "true", "false":
		return text
	}
	return ""
}

// text is the member as a string, empty where it is none.
func (m members) text(name string) string {
	var text string
	if err := json.Unmarshal(m[name], &text); err != nil {
		return ""
	}
	return text
}

// object is the member as an object, nil where it is none.
func (m members) object(name string) members {
	var object members
	if err := json.Unmarshal(m[name], &object); err != nil {
		return nil
	}
	return object
}

// strings are the member as a list of strings, nil where it is none.
func (m members) strings(name string) []string {
	var list []string
	if err := json.Unmarshal(m[name], &list); err != nil {
		return nil
	}
	return list
}

func (m members) loginRequired() bool {
	current := m.boolean("success") == "false" && m.text("error") == loginRequired
	old := m.text("status") == "error" && m.text("message") == loginRequired
	return current || old
}

func (m members) details() Details {
	details := m.object("details")
	method := details.text("method")
	switch method {
	case methodTOTP, methodPassword, methodEmail, "":
	default:
		method = string(CodeUnknown)
	}
	return Details{Method: method, HasFunction: details.text("function") != ""}
}

// bracketed is the code in the brackets that end an error text.
func bracketed(text string) Code {
	start := strings.LastIndex(text, "[")
	if start < 0 || !strings.HasSuffix(text, "]") {
		return CodeNone
	}
	return known(text[start+1 : len(text)-1])
}

// objects are the member as a list of objects, nil where it is none.
func (m members) objects(name string) []members {
	var list []members
	if err := json.Unmarshal(m[name], &list); err != nil {
		return nil
	}
	return list
}
