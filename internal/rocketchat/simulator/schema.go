package simulator

import (
	"math"
	"slices"
	"strconv"
)

// schema describes an object whose properties are strings and which has no
// others. Its texts are those of the validator that the server uses, which
// stops at the first error.
type schema struct {
	properties []string
	required   []string
}

// check returns the properties after coercion to strings, or the error text.
func (s schema) check(value any) (map[string]any, string) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, "must be object"
	}
	for _, name := range s.required {
		if _, present := object[name]; !present {
			return nil, "must have required property '" + name + "'"
		}
	}
	for name := range object {
		if !slices.Contains(s.properties, name) {
			return nil, "must NOT have additional properties"
		}
	}
	values := make(map[string]any, len(object))
	for name, raw := range object {
		text, ok := coerced(raw)
		if !ok {
			return nil, "must be string"
		}
		values[name] = text
	}
	return values, ""
}

// coerced turns a scalar into the string that the validator makes of it.
func coerced(value any) (string, bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case float64:
		format := byte('f')
		if math.Abs(value) >= 1e21 {
			format = 'e'
		}
		return strconv.FormatFloat(value, format, -1, 64), true
	default:
		return "", false
	}
}

// invalid is the body of a schema error; its keys come in another order than
// those of the action's errors.
func invalid(code, problem string) any {
	return struct {
		Success   bool   `json:"success"`
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}{ErrorType: code, Error: problem}
}
