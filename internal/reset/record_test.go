package reset

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func TestDecideRecord(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	cases := map[string]struct {
		change func(*RecordObservation)
		want   RecordDecision
	}{
		"an attempt that is watched for less than a minute is left alone": {func(o *RecordObservation) {
			o.Watched = 20 * time.Second
		}, RecordDecision{Step: RecordStepNone, After: 40 * time.Second}},
		"an attempt that is watched for a minute is given up": {func(o *RecordObservation) {
			o.Watched = time.Minute
		}, RecordDecision{Step: RecordStepGiveUp}},
		"an attempt that is very old is given up at once": {func(o *RecordObservation) {
			o.Record.Attempts[0].StartTime = at(-15 * time.Minute)
		}, RecordDecision{Step: RecordStepGiveUp}},
		"the own attempt is never given up": {func(o *RecordObservation) {
			o.Held, o.Watched, o.Record.Attempts[0].StartTime = true, time.Hour, at(-time.Hour)
		}, RecordDecision{Step: RecordStepNone, After: time.Minute}},
		"a record is kept for its retention": {func(o *RecordObservation) {
			o.Record.Attempts[0] = attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, -29*day)
			o.Record.NotAfterTime = at(-29 * day)
		}, RecordDecision{Step: RecordStepNone, After: day}},
		"the retention counts from notAfterTime if that is later": {func(o *RecordObservation) {
			o.Record.Attempts[0] = attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, -31*day)
			o.Record.NotAfterTime = at(-28 * day)
		}, RecordDecision{Step: RecordStepNone, After: 2 * day}},
		"a record never goes within a day of notAfterTime": {func(o *RecordObservation) {
			o.Record.Attempts[0] = attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, -time.Hour)
			o.Record.NotAfterTime, o.Retention = at(-time.Hour), 0
		}, RecordDecision{Step: RecordStepNone, After: 23 * time.Hour}},
		"a record goes after its retention": {func(o *RecordObservation) {
			o.Record.Attempts[0] = attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, -31*day)
			o.Record.NotAfterTime = at(-30 * day)
		}, RecordDecision{Step: RecordStepDelete}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := RecordObservation{Now: now(), Record: recordFor(aliceRequest(), attempt("", "", 0)), Retention: 30 * day}
			c.change(&o)
			if got := DecideRecord(o); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRecordNameTellsRequestsApartAndIsAName(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for _, request := range [][2]string{
		{"support", "lost-phone"},
		{"support", "lost-phone2"},
		{"sup", "port-lost-phone"},
		{"support-lost", "phone"},
		{"a", strings.Repeat("x", 253)},
		{"a", strings.Repeat("x", 252) + "y"},
		{"a", strings.Repeat("x", 48) + ".-" + strings.Repeat("x", 20)},
		{"a", strings.Repeat("x", 49) + ".y"},
	} {
		name := RecordName(request[0], request[1])
		if other, taken := names[name]; taken {
			t.Errorf("%v and %s have the record %s", request, other, name)
		}
		names[name] = request[0] + "/" + request[1]
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Errorf("%s is no name: %v", name, problems)
		}
	}
	// The name is part of the promise: records of an earlier release must be met.
	const want = "lost-phone-8fd7f590a1c53c06ca0f2c43ec9af641"
	if got := RecordName("support", "lost-phone"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
