package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// refusal is why the API server says that an object is invalid.
type refusal struct {
	Type  metav1.CauseType
	Field string
	Says  string // what is in the message
}

func required(field string) *refusal {
	return &refusal{metav1.CauseTypeFieldValueRequired, field, "Required value"}
}

func tooShort(field string, minimum int64) *refusal {
	return &refusal{metav1.CauseTypeFieldValueInvalid, field, fmt.Sprintf("should be at least %d chars long", minimum)}
}

func tooLong(field string, maximum int64) *refusal {
	return &refusal{metav1.CauseTypeTooLong, field, fmt.Sprintf("may not be more than %d ", maximum)}
}

func unlike(field string) *refusal {
	return &refusal{metav1.CauseTypeFieldValueInvalid, field, "should match"}
}

func unsupported(field string) *refusal {
	return &refusal{metav1.CauseTypeFieldValueNotSupported, field, "supported values"}
}

func notATime(field string) *refusal {
	return &refusal{metav1.CauseTypeTypeInvalid, field, "must be of type date-time"}
}

func belowMinimum(field string, minimum int64) *refusal {
	return &refusal{metav1.CauseTypeFieldValueInvalid, field, fmt.Sprintf("should be greater than or equal to %d", minimum)}
}

func aboveMaximum(field string, maximum int64) *refusal {
	return &refusal{metav1.CauseTypeFieldValueInvalid, field, fmt.Sprintf("should be less than or equal to %d", maximum)}
}

func tooFew(field string, minimum int64) *refusal {
	return &refusal{metav1.CauseTypeFieldValueInvalid, field, fmt.Sprintf("should have at least %d items", minimum)}
}

func tooMany(field string, maximum int64) *refusal {
	return &refusal{"FieldValueTooMany", field, fmt.Sprintf("must have at most %d items", maximum)}
}

func duplicate(field string) *refusal {
	return &refusal{metav1.CauseTypeFieldValueDuplicate, field, "Duplicate value"}
}

func wrongType(field string) *refusal {
	return &refusal{metav1.CauseTypeTypeInvalid, field, "must be of type"}
}

func invalid(field, message string) *refusal {
	return &refusal{metav1.CauseTypeFieldValueInvalid, field, message}
}

func forbidden(field, message string) *refusal {
	return &refusal{metav1.CauseTypeForbidden, field, message}
}

// isIn says whether the refusal is among the causes.
func (r *refusal) isIn(causes []metav1.StatusCause) bool {
	return slices.ContainsFunc(causes, func(c metav1.StatusCause) bool {
		return c.Type == r.Type && c.Field == r.Field && strings.Contains(c.Message, r.Says)
	})
}

// causesOf are the causes that an answer of the API server names.
func causesOf(err error) []metav1.StatusCause {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	return status.Status().Details.Causes
}

// wantVerdict fails the test unless the write was refused as told, or accepted
// where no refusal is told.
func wantVerdict(t *testing.T, err error, want *refusal) {
	t.Helper()
	switch {
	case want == nil && err != nil:
		t.Errorf("refused: %v", err)
	case want == nil:
	case err == nil:
		t.Errorf("accepted, want %+v", *want)
	case !apierrors.IsInvalid(err) || !want.isIn(causesOf(err)):
		t.Errorf("refused with %v\ncauses %+v\nwant %+v", err, causesOf(err), *want)
	}
}
