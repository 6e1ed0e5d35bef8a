package api

import "fmt"

// recordFields are changes to a whole record that is created.
var recordFields = map[string]fieldCase{
	"a whole record":                 {},
	"a record without justification": {[]operation{remove("/justification")}, nil},

	"no request":                          {[]operation{remove("/request")}, required("request")},
	"no namespace of the request":         {[]operation{remove("/request/namespace")}, required("request.namespace")},
	"an empty namespace of the request":   {[]operation{set("/request/namespace", "")}, tooShort("request.namespace", 1)},
	"a namespace of the request of 63":    {[]operation{set("/request/namespace", characters(63, "a"))}, nil},
	"a namespace of the request of 64":    {[]operation{set("/request/namespace", characters(64, "a"))}, tooLong("request.namespace", 63)},
	"no name of the request":              {[]operation{remove("/request/name")}, required("request.name")},
	"an empty name of the request":        {[]operation{set("/request/name", "")}, tooShort("request.name", 1)},
	"a name of the request of 253":        {[]operation{set("/request/name", characters(253, "a"))}, nil},
	"a name of the request of 254":        {[]operation{set("/request/name", characters(254, "a"))}, tooLong("request.name", 253)},
	"no uid of the request":               {[]operation{remove("/request/uid")}, required("request.uid")},
	"an empty uid of the request":         {[]operation{set("/request/uid", "")}, tooShort("request.uid", 1)},
	"a uid of the request of 64":          {[]operation{set("/request/uid", characters(64, "a"))}, nil},
	"a uid of the request of 65":          {[]operation{set("/request/uid", characters(65, "a"))}, tooLong("request.uid", 64)},
	"no workspace":                        {[]operation{remove("/workspace")}, required("workspace")},
	"no namespace of the workspace":       {[]operation{remove("/workspace/namespace")}, required("workspace.namespace")},
	"an empty namespace of the workspace": {[]operation{set("/workspace/namespace", "")}, tooShort("workspace.namespace", 1)},
	"a namespace of the workspace of 63":  {[]operation{set("/workspace/namespace", characters(63, "a"))}, nil},
	"a namespace of the workspace of 64":  {[]operation{set("/workspace/namespace", characters(64, "a"))}, tooLong("workspace.namespace", 63)},
	"no name of the workspace":            {[]operation{remove("/workspace/name")}, required("workspace.name")},
	"an empty name of the workspace":      {[]operation{set("/workspace/name", "")}, tooShort("workspace.name", 1)},
	"a name of the workspace of 253":      {[]operation{set("/workspace/name", characters(253, "a"))}, nil},
	"a name of the workspace of 254":      {[]operation{set("/workspace/name", characters(254, "a"))}, tooLong("workspace.name", 253)},

	"no target":                              {[]operation{remove("/target")}, required("target")},
	"no host of the target":                  {[]operation{remove("/target/host")}, required("target.host")},
	"an empty host of the target":            {[]operation{set("/target/host", "")}, tooShort("target.host", 1)},
	"a host of the target of 1024":           {[]operation{set("/target/host", characters(1024, "a"))}, nil},
	"a host of the target of 1025":           {[]operation{set("/target/host", characters(1025, "a"))}, tooLong("target.host", 1024)},
	"no user id of the target":               {[]operation{remove("/target/userID")}, required("target.userID")},
	"an empty user id of the target":         {[]operation{set("/target/userID", "")}, tooShort("target.userID", 1)},
	"a user id of the target of 128":         {[]operation{set("/target/userID", characters(128, "a"))}, nil},
	"a user id of the target of 129":         {[]operation{set("/target/userID", characters(129, "a"))}, tooLong("target.userID", 128)},
	"no username of the target":              {[]operation{remove("/target/username")}, required("target.username")},
	"an empty username of the target":        {[]operation{set("/target/username", "")}, tooShort("target.username", 1)},
	"a username of the target of 255":        {[]operation{set("/target/username", characters(255, "a"))}, nil},
	"a username of the target of 256":        {[]operation{set("/target/username", characters(256, "a"))}, tooLong("target.username", 255)},
	"no type":                                {[]operation{remove("/type")}, required("type")},
	"an empty type":                          {[]operation{set("/type", "")}, unsupported("type")},
	"a type that does not exist":             {[]operation{set("/type", "Password")}, unsupported("type")},
	"the type E2EKey":                        {[]operation{set("/type", "E2EKey")}, nil},
	"no notAfterTime":                        {[]operation{remove("/notAfterTime")}, required("notAfterTime")},
	"a notAfterTime that is only a day":      {[]operation{set("/notAfterTime", "2030-01-01")}, notATime("notAfterTime")},
	"an empty justification":                 {[]operation{set("/justification", "")}, tooShort("justification", 1)},
	"a justification of 256":                 {[]operation{set("/justification", characters(256, "ü"))}, nil},
	"a justification of 257":                 {[]operation{set("/justification", characters(257, "a"))}, tooLong("justification", 256)},
	"an empty requestedBy":                   {[]operation{set("/requestedBy", "")}, tooShort("requestedBy", 1)},
	"a requestedBy of 513":                   {[]operation{set("/requestedBy", characters(513, "a"))}, tooLong("requestedBy", 512)},
	"no approval":                            {[]operation{remove("/approval")}, nil},
	"no name in the approval":                {[]operation{remove("/approval/approvedBy")}, required("approval.approvedBy")},
	"an empty name in the approval":          {[]operation{set("/approval/approvedBy", "")}, tooShort("approval.approvedBy", 1)},
	"a name in the approval of 513":          {[]operation{set("/approval/approvedBy", characters(513, "a"))}, tooLong("approval.approvedBy", 512)},
	"no message in the approval":             {[]operation{remove("/approval/message")}, nil},
	"an empty message in the approval":       {[]operation{set("/approval/message", "")}, tooShort("approval.message", 1)},
	"a message in the approval of 257":       {[]operation{set("/approval/message", characters(257, "a"))}, tooLong("approval.message", 256)},
	"a name that no object may have":         {[]operation{set("/metadata/name", "Record_1")}, invalid("metadata.name", "RFC 1123")},
	"a name of 254 characters":               {[]operation{set("/metadata/name", characters(254, "a"))}, invalid("metadata.name", "no more than 253")},
	"a name as it is computed":               {[]operation{set("/metadata/name", "lost-phone-0123456789abcdef0123456789abcdef")}, nil},
	"a name with points, as requests' may":   {[]operation{set("/metadata/name", "lost.phone.4711-0123456789abcdef0123456789abcdef")}, nil},
	"a target that is a text":                {[]operation{set("/target", "alice")}, wrongType("target")},
	"attempts that are an object":            {[]operation{set("/attempts", map[string]any{})}, wrongType("attempts")},
	"no attempts":                            {[]operation{remove("/attempts")}, required("attempts")},
	"an empty list of attempts":              {[]operation{set("/attempts", []any{})}, tooFew("attempts", 1)},
	"six attempts":                           {[]operation{set("/attempts", attempts(refused, refused, refused, refused, refused, open))}, tooMany("attempts", 5)},
	"two attempts of the same id":            {[]operation{set("/attempts/-", attempt(1, open))}, duplicate("attempts[1]")},
	"no id of the attempt":                   {[]operation{remove("/attempts/0/id")}, required("attempts[0].id")},
	"an id of the attempt of 7 characters":   {[]operation{set("/attempts/0/id", characters(7, "a"))}, tooShort("attempts[0].id", 8)},
	"an id of the attempt of 8 characters":   {[]operation{set("/attempts/0/id", characters(8, "a"))}, nil},
	"an id of the attempt of 36 characters":  {[]operation{set("/attempts/0/id", characters(36, "a"))}, nil},
	"an id of the attempt of 37 characters":  {[]operation{set("/attempts/0/id", characters(37, "a"))}, tooLong("attempts[0].id", 36)},
	"no startTime of the attempt":            {[]operation{remove("/attempts/0/startTime")}, required("attempts[0].startTime")},
	"a startTime of the attempt in words":    {[]operation{set("/attempts/0/startTime", "now")}, notATime("attempts[0].startTime")},
	"no secretResourceVersion":               {[]operation{remove("/attempts/0/secretResourceVersion")}, required("attempts[0].secretResourceVersion")},
	"an empty secretResourceVersion":         {[]operation{set("/attempts/0/secretResourceVersion", "")}, tooShort("attempts[0].secretResourceVersion", 1)},
	"a secretResourceVersion of 64":          {[]operation{set("/attempts/0/secretResourceVersion", characters(64, "1"))}, nil},
	"a secretResourceVersion of 65":          {[]operation{set("/attempts/0/secretResourceVersion", characters(65, "1"))}, tooLong("attempts[0].secretResourceVersion", 64)},
	"an empty result":                        {[]operation{set("/attempts/0/result", "")}, unsupported("attempts[0].result")},
	"a result that does not exist":           {[]operation{set("/attempts/0/result", "Perhaps")}, unsupported("attempts[0].result")},
	"an empty reason":                        {closedWith("/attempts/0/reason", ""), tooShort("attempts[0].reason", 1)},
	"a reason of 64 characters":              {closedWith("/attempts/0/reason", characters(64, "A")), nil},
	"a reason of 65 characters":              {closedWith("/attempts/0/reason", characters(65, "A")), tooLong("attempts[0].reason", 64)},
	"a reason of two words":                  {closedWith("/attempts/0/reason", "Mail failed"), unlike("attempts[0].reason")},
	"a reason in small letters":              {closedWith("/attempts/0/reason", "mailFailed"), unlike("attempts[0].reason")},
	"an endTime that is only a day":          {closedWith("/attempts/0/endTime", "2030-01-01"), notATime("attempts[0].endTime")},
	"an empty lateResult":                    {lostWith("/attempts/0/lateResult", ""), unsupported("attempts[0].lateResult")},
	"a lateResult that does not exist":       {lostWith("/attempts/0/lateResult", "Perhaps"), unsupported("attempts[0].lateResult")},
	"a lateResult that is no truth":          {lostWith("/attempts/0/lateResult", "Unconfirmed"), invalid("attempts[0].lateResult", lateIsTheTruth)},
	"a lateResult beside Unconfirmed":        {lostWith("/attempts/0/lateResult", "Refused"), nil},
	"a lateResult beside a proof":            {closedWith("/attempts/0/lateResult", "Succeeded"), invalid("attempts[0]", wholeAttempts)},
	"a lateResult of an open attempt":        {[]operation{set("/attempts/0/lateResult", "Succeeded")}, invalid("attempts[0]", wholeAttempts)},
	"a reason of an open attempt":            {[]operation{set("/attempts/0/reason", "MailFailed")}, invalid("attempts[0]", wholeAttempts)},
	"an endTime of an open attempt":          {[]operation{set("/attempts/0/endTime", now)}, invalid("attempts[0]", wholeAttempts)},
	"a result without a reason and endTime":  {[]operation{set("/attempts/0/result", "Refused")}, nil},
	"an attempt that is closed from the end": {closedWith("/attempts/0/endTime", later), nil},
}

// What the rules of a record say.
const (
	lateIsTheTruth  = "a late result is the truth, which Unconfirmed is not"
	wholeAttempts   = "an open attempt has no reason, endTime or lateResult, and only an Unconfirmed one has a lateResult"
	oneAtATime      = "attempts are appended one at a time and never removed"
	neverRemoved    = "attempts are never removed"
	needsProof      = "a new attempt needs the proof that every earlier one had no effect"
	keepTheirPlace  = "attempts keep their place"
	frozenAttempt   = "an attempt's identity is frozen"
	writtenOnce     = "a result is written once"
	lateWrittenOnce = "a late result is written once, beside Unconfirmed"
)

// state is what has become of an attempt.
type state struct{ result, lateResult string }

var (
	open        = state{}
	succeeded   = state{result: "Succeeded"}
	notSent     = state{result: "NotSent"}
	refused     = state{result: "Refused"}
	unconfirmed = state{result: "Unconfirmed"}
)

// late is an Unconfirmed attempt of which the truth arrived late.
func late(result string) state { return state{result: "Unconfirmed", lateResult: result} }

// attempt is the attempt of the number in the state.
func attempt(number int, s state) map[string]any {
	fields := map[string]any{"id": fmt.Sprintf("attempt-%d", number), "startTime": now, "secretResourceVersion": "17"}
	if s.result != "" {
		fields["result"], fields["reason"], fields["endTime"] = s.result, "Because"+s.result, soon
	}
	if s.lateResult != "" {
		fields["lateResult"] = s.lateResult
	}
	return fields
}

// attempts are attempts in the states, numbered from 1.
func attempts(states ...state) []any {
	list := make([]any, len(states))
	for i, s := range states {
		list[i] = attempt(i+1, s)
	}
	return list
}

// closedWith is a record whose only attempt was refused, with another field.
func closedWith(path string, value any) []operation {
	return []operation{set("/attempts", attempts(refused)), set(path, value)}
}

// lostWith is a record whose only attempt is Unconfirmed, with another field.
func lostWith(path string, value any) []operation {
	return []operation{set("/attempts", attempts(unconfirmed)), set(path, value)}
}
