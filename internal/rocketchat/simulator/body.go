package simulator

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// expectedBody is how much memory a declared length may claim at once. The
// server itself knows no limit.
const expectedBody = 64 << 20

// byteOrderMark may come before JSON.
const byteOrderMark = "\ufeff"

// Limits of the server's query parser.
const (
	maxQueryPairs = 1000
	maxQueryItems = 500
)

// readAll reads the body. An error is kept, because there is no answering after
// it.
func (c *call) readAll() ([]byte, error) {
	var buffer bytes.Buffer
	buffer.Grow(int(max(0, min(c.r.ContentLength, expectedBody))))
	if _, err := buffer.ReadFrom(c.r.Body); err != nil {
		c.bodyError = err
		return nil, err
	}
	return buffer.Bytes(), nil
}

// parseBody returns the body's parameters. Whatever cannot be read counts as an
// empty object: a cut or stalled body, a foreign content type, broken JSON. For
// the reset routes an empty object means the caller itself.
func (c *call) parseBody() any {
	raw, err := c.readAll()
	if err != nil {
		return map[string]any{}
	}
	contentType := c.r.Header.Get("Content-Type")
	switch {
	case strings.Contains(contentType, "application/json"):
		var value any
		if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte(byteOrderMark)), &value); err != nil {
			return map[string]any{}
		}
		return value
	case strings.Contains(contentType, "application/x-www-form-urlencoded"):
		return parseForm(string(raw))
	default:
		return map[string]any{}
	}
}

// properties returns what a parsed body has by name: nothing if it is no
// object.
func properties(value any) map[string]any {
	if object, ok := value.(map[string]any); ok {
		return object
	}
	return map[string]any{}
}

// parseForm is as lenient as the server's parser: nothing is an error, the last
// of equal names wins.
func parseForm(text string) map[string]any {
	form := map[string]any{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		form[unescaped(name)] = unescaped(value)
	}
	return form
}

// parseQuery reads a query string with the bracket notation as far as one
// level: a[]=x and repeated names make lists, a[b]=x makes an object. What is
// too much is an error if the limits are strict, and else left out.
func parseQuery(text string, strict bool) (map[string]any, error) {
	query := map[string]any{}
	pairs := 0
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		pairs++
		if pairs > maxQueryPairs && strict {
			return nil, exception("too many parameters")
		}
		if pairs > maxQueryPairs {
			break
		}
		name, value, _ := strings.Cut(pair, "=")
		base, bracket, nested := strings.Cut(unescaped(name), "[")
		switch {
		case nested && bracket != "]":
			query[base] = map[string]any{strings.TrimSuffix(bracket, "]"): unescaped(value)}
		default:
			if err := addItem(query, base, unescaped(value), nested); err != nil && strict {
				return nil, err
			}
		}
	}
	return query, nil
}

func addItem(query map[string]any, name, value string, list bool) error {
	known, present := query[name]
	if !present && !list {
		query[name] = value
		return nil
	}
	items, isList := known.([]any)
	if present && !isList {
		items = []any{known}
	}
	if len(items) >= maxQueryItems {
		return exception("too many items")
	}
	query[name] = append(items, value)
	return nil
}

// unwrapped replaces lists of one item by the item, as the validator of queries
// does.
func unwrapped(query map[string]any) map[string]any {
	for name, value := range query {
		if items, ok := value.([]any); ok && len(items) == 1 {
			query[name] = items[0]
		}
	}
	return query
}

func unescaped(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
}
