package simulator

import (
	"net/http"
	"strings"
)

// checkBody reads the body, which cannot fail, and holds it against the schema.
func (c *call) checkBody() *reply {
	if c.route.body == nil {
		return nil
	}
	params, problem := c.route.body.check(c.parseBody())
	if problem != "" {
		return &reply{status: http.StatusBadRequest, body: invalid("invalid-params", problem)}
	}
	c.params = params
	return nil
}

// readBody reads the body, which cannot fail, and takes it as it is.
func (c *call) readBody() *reply {
	if c.route.method == http.MethodPost {
		c.params = properties(c.parseBody())
	}
	return nil
}

// checkQuery parses the query and holds it against the route's schemas, of
// which one must fit.
func (c *call) checkQuery() *reply {
	query, err := parseQuery(c.r.URL.RawQuery, true)
	if err != nil {
		return &reply{status: http.StatusBadRequest, body: failure{Error: "Invalid query parameters"}}
	}
	c.query = unwrapped(query)
	if problem := misfit(c.route.query, c.query); problem != "" {
		return &reply{status: http.StatusBadRequest, body: invalid("error-invalid-params", problem)}
	}
	return nil
}

// checkParams is checkQuery as it was inside the action's wrapper. There only a
// GET had a query; a HEAD was judged by the body that it does not have.
func (c *call) checkParams() *reply {
	c.query, _ = parseQuery(c.r.URL.RawQuery, false)
	judged := c.query
	if c.r.Method == http.MethodHead {
		judged = map[string]any{}
	}
	if problem := misfit(c.route.query, judged); problem != "" {
		return c.failure(&refusal{code: "invalid-params", reason: problem})
	}
	return nil
}

// misfit returns why a query fits none of the alternatives, or nothing.
func misfit(alternatives []schema, query map[string]any) string {
	var problems []string
	for _, alternative := range alternatives {
		_, problem := alternative.check(query)
		if problem == "" {
			return ""
		}
		problems = append(problems, problem)
	}
	if len(problems) > 1 {
		problems = append(problems, "must match a schema in anyOf")
	}
	return strings.Join(problems, "\n ")
}

func (c *call) queryText(name string) string {
	text, _ := c.query[name].(string)
	return text
}

// param returns a body parameter untrimmed, or nothing if it is blank. Where no
// schema saw to it, it may be something that cannot be trimmed.
func (c *call) param(name string) (string, error) {
	switch value := c.params[name].(type) {
	case nil:
		return "", nil
	case string:
		if strings.TrimSpace(value) == "" {
			return "", nil
		}
		return value, nil
	default:
		return "", exception("params." + name + "?.trim is not a function")
	}
}

// truthy returns whether the server's language takes a parsed value for true.
func truthy(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case float64:
		return value != 0
	case string:
		return value != ""
	default:
		return true
	}
}
