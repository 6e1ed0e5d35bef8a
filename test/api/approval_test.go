package api

import "testing"

// approvalFields are changes to a whole approval that is created.
var approvalFields = map[string]fieldCase{
	"a whole approval": {},
	"an approval with nothing but what is required": {
		change: []operation{remove("/spec/message"), remove("/spec/approvedBy")},
	},
	"no spec":                       {[]operation{remove("/spec")}, required("spec")},
	"no name of the request":        {[]operation{remove("/spec/requestName")}, required("spec.requestName")},
	"an empty name of the request":  {[]operation{set("/spec/requestName", "")}, tooShort("spec.requestName", 1)},
	"a name of the request of 253":  {[]operation{set("/spec/requestName", characters(253, "a"))}, nil},
	"a name of the request of 254":  {[]operation{set("/spec/requestName", characters(254, "a"))}, tooLong("spec.requestName", 253)},
	"no UID of the request":         {[]operation{remove("/spec/requestUID")}, required("spec.requestUID")},
	"an empty UID of the request":   {[]operation{set("/spec/requestUID", "")}, tooShort("spec.requestUID", 1)},
	"a UID of the request of 65":    {[]operation{set("/spec/requestUID", characters(65, "a"))}, tooLong("spec.requestUID", 64)},
	"no user id":                    {[]operation{remove("/spec/userID")}, required("spec.userID")},
	"an empty user id":              {[]operation{set("/spec/userID", "")}, tooShort("spec.userID", 1)},
	"a user id of 129":              {[]operation{set("/spec/userID", characters(129, "a"))}, tooLong("spec.userID", 128)},
	"no decision":                   {[]operation{remove("/spec/decision")}, required("spec.decision")},
	"an empty decision":             {[]operation{set("/spec/decision", "")}, unsupported("spec.decision")},
	"the decision Denied":           {[]operation{set("/spec/decision", "Denied")}, nil},
	"a decision in small letters":   {[]operation{set("/spec/decision", "approved")}, unsupported("spec.decision")},
	"an empty message":              {[]operation{set("/spec/message", "")}, tooShort("spec.message", 1)},
	"a message of 256":              {[]operation{set("/spec/message", characters(256, "ü"))}, nil},
	"a message of 257":              {[]operation{set("/spec/message", characters(257, "a"))}, tooLong("spec.message", 256)},
	"a message of two lines":        {[]operation{set("/spec/message", "one\ntwo")}, unlike("spec.message")},
	"an empty approvedBy":           {[]operation{set("/spec/approvedBy", "")}, tooShort("spec.approvedBy", 1)},
	"an approvedBy of 512":          {[]operation{set("/spec/approvedBy", characters(512, "a"))}, nil},
	"an approvedBy of 513":          {[]operation{set("/spec/approvedBy", characters(513, "a"))}, tooLong("spec.approvedBy", 512)},
	"an approvedBy of two lines":    {[]operation{set("/spec/approvedBy", "rita\nrob")}, unlike("spec.approvedBy")},
	"a decision about another kind": {[]operation{set("/spec/requestName", map[string]any{})}, wrongType("spec.requestName")},
}

var decided = forbidden("spec", "spec is immutable: delete this approval to take it back, create another one to decide anew")

// approvalChanges are changes to a decision.
var approvalChanges = map[string]transition{
	"another request":              {nil, []operation{replace("/spec/requestName", "other")}, decided},
	"another request of that name": {nil, []operation{replace("/spec/requestUID", "other")}, decided},
	"another user":                 {nil, []operation{replace("/spec/userID", "bobid00001")}, decided},
	"another decision":             {nil, []operation{replace("/spec/decision", "Denied")}, decided},
	"another approver":             {nil, []operation{replace("/spec/approvedBy", "bob@example.com")}, decided},
	"no approver any more":         {nil, []operation{remove("/spec/approvedBy")}, decided},
	"an approver where none was":   {[]operation{remove("/spec/approvedBy")}, []operation{set("/spec/approvedBy", "bob@example.com")}, decided},
	"another message":              {nil, []operation{replace("/spec/message", "I know her")}, decided},
	"a label":                      {nil, []operation{set("/metadata/labels", map[string]any{"hold": "yes"})}, nil},
}

func TestADecisionIsImmutable(t *testing.T) {
	t.Parallel()
	testChanges(t, approvals, approvalChanges, everyWay)
}
