package main

// The packages whose tests are asked.
func chatTests() tests  { return tests{pkg: "internal/rocketchat"} }
func resetTests() tests { return tests{pkg: "internal/reset"} }
func gateTests() tests  { return tests{pkg: "internal/gate"} }

// answers are mutations of what is read out of an answer.
func answers() []mutation {
	const answer = "internal/rocketchat/answer.go"
	return []mutation{
		{
			"any success that is not false is a success", success, answer,
			`a.status == http.StatusOK && object.boolean("success") == "true"`,
			`a.status == http.StatusOK && object != nil && object.boolean("success") != "false"`, chatTests(),
		},
		{
			"a success with any status is a success", success, answer,
			`a.status == http.StatusOK && object.boolean("success") == "true"`,
			`object.boolean("success") == "true"`, chatTests(),
		},
		{
			"a body that is not called JSON is read", success, answer,
			`err != nil || mediaType != "application/json" ||`, `err != nil || mediaType == "" ||`, chatTests(),
		},
		{
			"a member of another spelling is read", success, answer,
			`	var object members
	if err := json.Unmarshal(a.body, &object); err != nil {
		return nil
	}
	return object`, `	var object members
	if err := json.Unmarshal(a.body, &object); err != nil {
		return nil
	}
	for name, value := range object {
		object[strings.ToLower(name)] = value
	}
	return object`, chatTests(),
		},
		{
			"any JSON is Rocket.Chat's word that nothing happened", closedList, answer,
			`object.boolean("success") == "false" || failure.LoginRequired`,
			`object != nil || failure.LoginRequired`, chatTests(),
		},
		{
			"Rocket.Chat's 401 is recognised with any status", closedList, answer,
			`a.status == http.StatusUnauthorized && object.loginRequired()`, `object.loginRequired()`, chatTests(),
		},
		{
			"a code that is not listed passes as it is", secrets, "internal/rocketchat/errors.go",
			`		return CodeUnknown
	}
	return CodeUnknown
}`, `		return CodeUnknown
	}
	return Code(text)
}`, chatTests(),
		},
		{
			"a limiter may close the way for ever", oneCall, "internal/rocketchat/ratelimit.go",
			`min(h.wait(clock), maxWait)`, `h.wait(clock)`, chatTests(),
		},
		{
			"who was refused hammers", oneCall, "internal/rocketchat/ratelimit.go",
			`		wait = max(wait, minWait)
`, ``, chatTests(),
		},
		{
			"the server's clock is taken to be as far ahead as it may be", oneCall, "internal/rocketchat/serverclock.go",
			`wait -= c.now(local).least`, `wait -= c.now(local).most`, chatTests(),
		},
		{
			"a limiter's first window is taken for a whole one", oneCall, "internal/rocketchat/serverclock.go",
			`return w.seen >= 2`, `return w.seen >= 1`, chatTests(),
		},
		{
			"a contradiction about the server's clock is not noticed", oneCall, "internal/rocketchat/serverclock.go",
			`both.least <= both.most`, `both.least <= both.most || c.known`, chatTests(),
		},
		{
			"a proxy's clock is taken for the limiter's", oneCall, "internal/rocketchat/serverclock.go",
			`	if c.foreign.After(received) {`, `	if c.foreign.After(received) && c.base.IsZero() {`, chatTests(),
		},
	}
}

// calls are mutations of how a call is made.
func calls() []mutation {
	const (
		client = "internal/rocketchat/client.go"
		dial   = "internal/rocketchat/dial.go"
		resets = "internal/rocketchat/resets.go"
	)
	return []mutation{
		{
			"codes are made by the wrong clock", bounded, resets,
			`c.options.ServerClock.Now(c.options.Now())`, `c.options.Now()`, chatTests(),
		},
		{
			"a connection that was obtained is not noticed", closedList, client,
			`GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }`,
			`GotConn: func(httptrace.GotConnInfo) { connected.Store(false) }`, chatTests(),
		},
		{
			"the cause of a lost answer is told", secrets, client,
			"	default:\n		cause = ErrLost\n", "	default:\n", chatTests(),
		},
		{
			"redirects are followed", sentOnce, client,
			`transport.RoundTrip(request)`, `(&http.Client{Transport: transport}).Do(request)`, chatTests(),
		},
		{
			"the environment may name a proxy", sentOnce, client,
			`		DisableCompression:     true,`, `		DisableCompression:     true,
		Proxy: http.ProxyFromEnvironment,`, chatTests(),
		},
		{
			"a compressed answer is asked for", noOwnReset, client,
			`DisableCompression:     true`, `DisableCompression:     false`, chatTests(),
		},
		{
			"a connection is used again", sentOnce, client,
			`DisableKeepAlives:      true`, `DisableKeepAlives:      false`, chatTests(),
		},
		{
			"HTTP/2 is offered", sentOnce, client,
			`NextProtos: []string{"http/1.1"}`, `NextProtos: []string{"h2", "http/1.1"}`, chatTests(),
		},
		{
			"a long request leaves in several writes", noOwnReset, client,
			`		WriteBufferSize:        maxRequest,`, `		WriteBufferSize:        4 << 10,`, chatTests(),
		},
		{
			"a long request leaves in several TLS records", noOwnReset, client,
			`DynamicRecordSizingDisabled: true`, `DynamicRecordSizingDisabled: false`, chatTests(),
		},
		{
			"an answer of any length is read", sentOnce, client,
			`const maxBody = 64 << 10`, `const maxBody = 640 << 10`, chatTests(),
		},
		{
			"an answer that is too long is cut", success, client,
			`int64(len(body)) > limit`, `len(body) < 0`, chatTests(),
		},
		{
			"the request waits for the server's leave", noOwnReset, resets,
			`	request.Header.Set("Content-Type", "application/json")`,
			`	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Expect", "100-continue")`, chatTests(),
		},
		{
			"the body may be sent again", sentOnce, resets,
			`request.GetBody = nil`, `_ = request.GetBody`, chatTests(),
		},
		{
			"the body is called text", noOwnReset, resets,
			`request.Header.Set("Content-Type", "application/json")`, `request.Header.Set("Content-Type", "text/plain")`, chatTests(),
		},
		{
			"a body of unknown length is sent", noOwnReset, resets,
			`bytes.NewReader(body))
	if err`, `struct{ *bytes.Reader }{bytes.NewReader(body)})
	if err`, chatTests(),
		},
		{
			"a blank id is sent", noOwnReset, resets,
			`strings.TrimSpace(reset.UserID) == ""`, `strings.TrimSpace(reset.UserID) == "\x00"`, chatTests(),
		},
		{
			"the caller's own id is sent unasked", noOwnReset, resets,
			`reset.UserID == c.connection.UserID() && !reset.AllowOwn`, `reset.UserID == c.connection.UserID() && len(route) == 0`, chatTests(),
		},
		{
			"the caller's context cuts a reset", noOwnReset, resets,
			`c.resetRequest(context.WithoutCancel(ctx), route`, `c.resetRequest(ctx, route`, chatTests(),
		},
		{
			"a reset is not asked whether it may be sent", inTime, dial,
			`	return d.maySend()
`, `	_ = d.maySend()
	return nil
`, chatTests(),
		},
		{
			"the question whether to send comes before TLS", inTime, dial,
			`	conn, err = d.secure(ctx, conn, address)
	if err != nil {
		return nil, err
	}
	if err := d.release(conn, deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
`, `	if err := d.release(conn, deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	conn, err = d.secure(ctx, conn, address)
	if err != nil {
		return nil, err
	}
`, chatTests(),
		},
		{
			"the time of a reset begins after its dial", inTime, dial,
			`conn.SetDeadline(deadline)`, `conn.SetDeadline(time.Now().Add(d.limit))`, chatTests(),
		},
		{
			"every address is dialled", secrets, dial,
			`	return p.Check(resolved.Addr())`, `	_ = resolved
	return nil`, chatTests(),
		},
		{
			"a server is heard before it was spoken to", secrets, dial,
			`	<-s.spoke
`, ``, chatTests(),
		},
	}
}

// connections are mutations of how a Secret is read.
func connections() []mutation {
	const connection = "internal/rocketchat/connection.go"
	return []mutation{
		{
			"a refusal shows the value", secrets, connection,
			`Problem: "holds blanks or characters other than printable ASCII"`,
			`Problem: "holds blanks or characters other than printable ASCII: " + value`, chatTests(),
		},
		{
			"a value may hold another header", secrets, connection,
			`r <= ' ' || r > '~'`, `r == 0`, chatTests(),
		},
		{
			"a key that is not known is passed over", secrets, connection,
			`	if len(unknown) == 0 {`, `	if len(unknown) < 9 {`, chatTests(),
		},
		{
			"a connection prints its account", secrets, "internal/rocketchat/redact.go",
			`	return "connection to " + c.Host() + " [redacted]"`, `	_, token := c.account()
	return "connection to " + c.Host() + " with " + token`, chatTests(),
		},
		{
			"a URL may hold a user", secrets, "internal/rocketchat/location.go",
			`return parsed.User != nil || parsed.RawQuery`, `return parsed.RawQuery`, chatTests(),
		},
		{
			"plain HTTP needs no flag of the operator", secrets, "internal/rocketchat/location.go",
			`	case !plainHTTPAllowed:`, `	case !plainHTTPAllowed && scheme == "":`, chatTests(),
		},
		{
			"two calls to a server are made at a time", oneCall, "internal/gate/queue.go",
			`return !q.busy && !q.opens().After(now)`, `return !q.opens().After(now)`, gateTests(),
		},
		{
			"a server is called although its limiter is exhausted", oneCall, "internal/gate/queue.go",
			`return !q.busy && !q.opens().After(now)`, `return !q.busy`, gateTests(),
		},
		{
			"a newcomer overtakes those that wait", oneCall, "internal/gate/gate.go",
			`!q.isFree(now) || q.line.first() != w`, `!q.isFree(now)`, gateTests(),
		},
		{
			"one who does not come when woken holds up all others", oneCall, "internal/gate/queue.go",
			`	if q.called != nil && !q.calledUntil.After(now) {`, `	if q.called != nil && q.calledUntil.IsZero() {`, gateTests(),
		},
		{
			"a namespace is served until nobody in it waits", oneCall, "internal/gate/line.go",
			`in.turns.MoveToBack(`, `in.turns.MoveToFront(`, gateTests(),
		},
		{
			"a woken ticket is not told again after a pause", oneCall, "internal/gate/queue.go",
			`		q.called = nil // the turn is taken back; it will be told again
`, ``, gateTests(),
		},
		{
			"servers that nobody needs are kept", oneCall, "internal/gate/gate.go",
			`	if q.isIdle(now) {`, `	if q.isIdle(now) && q.server == "" {`, gateTests(),
		},
	}
}
