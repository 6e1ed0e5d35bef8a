package rocketchat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// holder is a struct of somebody else's that holds what must not be shown. fmt does
// not ask the methods of unexported fields.
type holder struct {
	Pointer *Connection
	Value   Connection
	Factor  secondFactor
	pointer *Connection
	value   Connection
	factor  secondFactor
	any     any
	list    []Connection
	table   map[string]secondFactor
	deep    *holder
}

func holderOf(c *Connection) holder {
	inner := holder{Pointer: c, Value: *c, Factor: c.factor, pointer: c, value: *c, factor: c.factor, any: *c}
	inner.list, inner.table = []Connection{*c}, map[string]secondFactor{"a": c.factor}
	outer := inner
	outer.deep = &inner
	return outer
}

// holders are the values in which a secret might be shown.
func holders(c *Connection) map[string]any {
	held := holderOf(c)
	return map[string]any{
		"connection":            c,
		"connection by value":   *c,
		"connection in any":     any(c),
		"pointer to pointer":    &c,
		"nil":                   (*Connection)(nil),
		"zero":                  &Connection{},
		"second factor":         c.factor,
		"pointer to factor":     &c.factor,
		"struct":                held,
		"pointer to struct":     &held,
		"anonymous struct":      struct{ c *Connection }{c},
		"anonymous by value":    struct{ c Connection }{*c},
		"anonymous of a factor": struct{ f secondFactor }{c.factor},
		"embedded":              struct{ *Connection }{c},
		"embedded by value":     struct{ Connection }{*c},
		"slice":                 []*Connection{c},
		"slice by value":        []Connection{*c},
		"slice of any":          []any{c, *c, c.factor},
		"array":                 [1]secondFactor{c.factor},
		"map":                   map[string]*Connection{"a": c},
		"map by value":          map[string]Connection{"a": *c},
		"client":                New(c, Options{Now: testNow}),
		"client by value":       *New(c, Options{Now: testNow}),
	}
}

func connections(t *testing.T) map[string]*Connection {
	t.Helper()
	return map[string]*Connection{
		"with TOTP":     connect(t, "https://chat.example.com/x", nil),
		"with password": connect(t, "https://chat.example.com/x", map[string]string{KeyTOTPSecret: absent, KeyPassword: testPassword}),
	}
}

// TestNothingPrintsSecrets proves that no verb of fmt, no logger and no encoder
// shows a secret of a connection, whatever it lies in.
func TestNothingPrintsSecrets(t *testing.T) {
	t.Parallel()
	verbs := []string{"%v", "%+v", "%#v", "%s", "%+s", "%q", "%#q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%e", "%g", "%t", "%p", "%T", "%w", "%100v", "%-1v"}
	for kind, connection := range connections(t) {
		for name, value := range holders(connection) {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				for _, verb := range verbs {
					mustHide(t, fmt.Sprintf(verb, value))
				}
				mustHide(t, fmt.Sprint(value)+fmt.Sprintln(value))
				mustHide(t, fmt.Errorf("wrapped: %v", value).Error())
				if text, err := json.Marshal(value); err == nil {
					mustHide(t, string(text))
				}
				mustHide(t, logged(value))
			})
		}
	}
}

// logged is what the loggers make of a value.
func logged(value any) string {
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, options), slog.NewJSONHandler(&out, options)} {
		logger := slog.New(handler)
		logger.Info("message", "value", value)
		logger.With("value", value).WithGroup("group").Info("message", slog.Any("value", value))
		logr.FromSlogHandler(handler).Info("message", "value", value)
		logr.FromSlogHandler(handler).WithValues("value", value).Error(fmt.Errorf("%v", value), "message")
	}
	write := func(prefix, args string) { out.WriteString(prefix + args) }
	for _, logger := range []logr.Logger{funcr.New(write, funcr.Options{}), funcr.NewJSON(func(text string) { write("", text) }, funcr.Options{})} {
		logger.WithValues("value", value).Info("message", "value", value)
	}
	_ = slog.New(slog.NewJSONHandler(&out, nil)).Handler().Handle(context.Background(), slog.Record{Message: fmt.Sprint(value)})
	return out.String()
}

// TestRedactedText proves that what is shown instead names the host, so that it is
// of some use.
func TestRedactedText(t *testing.T) {
	t.Parallel()
	connection := connect(t, "https://chat.example.com/x", nil)
	const want = "connection to https://chat.example.com/x [redacted]"
	text, err := json.Marshal(connection)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"fmt":  fmt.Sprintf("%v", connection),
		"Go":   fmt.Sprintf("%#v", connection),
		"json": strings.Trim(string(text), `"`),
		"slog": connection.LogValue().String(),
		"logr": fmt.Sprint(connection.MarshalLog()),
	} {
		if got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := fmt.Sprint(connection.factor); got != "[redacted]" {
		t.Errorf("the factor = %q", got)
	}
}
