package rocketchat

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Format implements fmt.Formatter, so that no verb prints more than the host.
func (c *Connection) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, c.redacted()) }

// LogValue implements slog.LogValuer.
func (c *Connection) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

// MarshalLog implements logr.Marshaler.
func (c *Connection) MarshalLog() any { return c.redacted() }

// MarshalJSON implements json.Marshaler.
func (c *Connection) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

func (c *Connection) redacted() string {
	if c == nil || c.base == nil {
		return "connection [redacted]"
	}
	return "connection to " + c.Host() + " [redacted]"
}

// Format implements fmt.Formatter, so that no verb prints the method.
func (f secondFactor) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "[redacted]") }
