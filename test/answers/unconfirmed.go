package answers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// unconfirmed are the rows after which nobody can tell from the answer whether the
// user was reset.
func unconfirmed() []Row {
	return slices.Concat(connectionsLost(), answersBroken(), answersOfOthers(), answersUnknown(), partialEffects(), ownResets())
}

// unproven is what must come of an answer that proves nothing.
func unproven(seen Effects) Want {
	return Want{
		Result: v1alpha1.AttemptUnconfirmed, Attempt: v1alpha1.ReasonOutcomeUnconfirmed,
		Outcome: v1alpha1.OutcomeUnconfirmed, Request: v1alpha1.ReasonOutcomeUnconfirmed,
		Workspace: v1alpha1.ReasonConnected, Next: EndedUnconfirmed, Seen: seen,
	}
}

// instead is a row with an answer in place of the reset.
func instead(name, cause string, answer simulator.Interceptor) Row {
	return Row{Name: name, Cause: cause, Scene: Scene{Reset: answer}, Want: unproven(called())}
}

// afterwards is a row with an answer after the reset has happened.
func afterwards(name, cause string, answer simulator.Interceptor) Row {
	return Row{Name: name, Cause: cause, Scene: Scene{Reset: After(answer)}, Want: unproven(carriedOut())}
}

// within gives a row so many seconds as time-out.
func within(seconds int32, row Row) Row {
	row.Scene.Timeout = seconds
	return row
}

// onTheWay is a row in which the request or its answer is lost below HTTP.
func onTheWay(name, cause string, script Script, seen Effects) Row {
	return Row{Name: name, Cause: cause, Scene: Scene{Connection: script}, Want: unproven(seen)}
}

// connectionsLost are the rows in which the connection ends before the answer does.
func connectionsLost() []Row {
	const patience = 5
	return []Row{
		onTheWay("The connection breaks before the request is read", "a server that dies just then", untilRequest(loseRequest), Effects{}),
		within(patience, onTheWay("The request is swallowed, and nothing comes back", "a network that lost its way", untilRequest(swallowRequest), Effects{})),
		onTheWay("The answer is lost on the way", "a network that breaks between reset and answer", untilRequest(loseAnswer), carriedOut()),
		instead("The connection is closed instead of an answer", "a proxy that is reloaded", Drop("")),
		afterwards("The connection is closed after the reset", "a server that is shut down as it answers", Drop("")),
		instead("The connection is reset instead of an answer", "a process that is killed", abort),
		afterwards("The connection is reset after the reset", "the same, a moment later", abort),
		within(patience, instead("There is no answer within the time-out, and no reset", "a server that hangs", silence)),
		within(patience, afterwards("There is no answer within the time-out after the reset", "a server that hangs later", silence)),
		within(patience, afterwards("The confirmation comes after the time-out", "a server under heavy load", tooLate(Page(http.StatusOK, jsonType, confirmed)))),
		within(patience, Row{
			Name: "The reset happens after the time-out", Cause: "a server that works off its queue although the caller is gone",
			Scene: Scene{Reset: belated}, Want: unproven(carriedOut()),
		}),
		within(patience, instead("The headers trickle in, and never end", "a tarpit", trickle(ok+"X-Padding: ", "x"))),
		within(patience, afterwards("The body trickles in, and never ends", "a connection that is almost dead", trickle(ok+"Content-Length: 60000\r\n\r\n{", " "))),
		within(patience, afterwards("Half of the confirmation comes, and then silence", "a connection that died", half(ok+"Content-Length: 16\r\n\r\n{\"succ"))),
		afterwards("The status line is cut", "a connection that broke", Drop("HTTP/1.1 2")),
		afterwards("The headers are cut", "the same", Drop(ok)),
		afterwards("The body is cut", "the same", Drop(ok+"Content-Length: 16\r\n\r\n{\"success\":")),
		afterwards("A chunk is cut", "the same", Drop(ok+"Transfer-Encoding: chunked\r\n\r\n10\r\n{\"success\":")),
		afterwards("The last chunk is missing", "the same, after the whole confirmation", Drop(ok+"Transfer-Encoding: chunked\r\n\r\n10\r\n"+confirmed+"\r\n")),
	}
}

// answersBroken are the rows whose answer is no HTTP that could be read to its end.
func answersBroken() []Row {
	padding := strings.Repeat("x", 70<<10)
	const settings, goAway = "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	return []Row{
		instead("The answer is that of another protocol", "the wrong port", Drop("SSH-2.0-OpenSSH_9.6\r\n")),
		instead("The answer is frames of HTTP/2 with a PROTOCOL_ERROR", "a proxy that expects HTTP/2", Drop(settings+goAway)),
		afterwards("The confirmation has no status line", "a proxy that cuts the head off", Drop(confirmed)),
		afterwards("The length is too long for the confirmation", "a proxy that rewrites bodies", Drop(ok+"Content-Length: 60\r\n\r\n"+confirmed)),
		afterwards("The length is too short for the confirmation", "the same", Drop(ok+"Content-Length: 9\r\n\r\n"+confirmed)),
		afterwards("There are two lengths that differ", "two proxies that disagree", Drop(ok+"Content-Length: 16\r\nContent-Length: 17\r\n\r\n"+confirmed)),
		afterwards("The length is no number", "a defective proxy", Drop(ok+"Content-Length: sixteen\r\n\r\n"+confirmed)),
		afterwards("The headers are longer than 64 KiB", "a proxy that adds to them", With("X-Padding", padding, Page(http.StatusOK, jsonType, confirmed))),
		afterwards("The body is longer than 64 KiB", "a confirmation that is hidden in a page's worth of data", Page(http.StatusOK, jsonType, fmt.Sprintf(`{"success":true,"padding":%q}`, padding))),
		afterwards("The body never ends", "a server gone mad", flood(ok+"\r\n"+confirmed, strings.Repeat(" ", 4096))),
		instead("Interim answers never end", "a server gone mad", flood("", "HTTP/1.1 103 Early Hints\r\nLink: </app.css>; rel=preload\r\n\r\n")),
		afterwards("The server switches to another protocol", "a gateway that takes every call for a WebSocket",
			Drop("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"+confirmed)),
	}
}

// badGateway is the page of a gateway that lost the server.
func badGateway() simulator.Interceptor {
	return Page(http.StatusBadGateway, html, "<html><h1>502 Bad Gateway</h1></html>")
}

// answersOfOthers are the rows with an answer of something that stands before the
// workspace. It may have been made after the reset happened.
func answersOfOthers() []Row {
	pageOf := func(status int) simulator.Interceptor {
		return Page(status, html, fmt.Sprintf("<html><h1>%d %s</h1></html>", status, http.StatusText(status)))
	}
	const envoy = "upstream connect error or disconnect/reset before headers. reset reason: "
	rows := []Row{
		instead("A portal answers 200 with its login page", "single sign-on; a release without this route also answers with a page", Page(http.StatusOK, html, "<html>Please log in</html>")),
		instead("A proxy answers 400 with a page", "a request that it takes for malformed", pageOf(http.StatusBadRequest)),
		instead("A proxy answers 400 with nothing", "a server that could not read the request", Page(http.StatusBadRequest, "", "")),
		instead("A proxy answers 401 with its own page", "a login in front of Rocket.Chat", With("WWW-Authenticate", `Basic realm="intranet"`, pageOf(http.StatusUnauthorized))),
		instead("A gateway answers 401 in JSON", "the same of an API gateway", Page(http.StatusUnauthorized, jsonType, `{"success":false,"error":"Unauthorized"}`)),
		instead("A firewall answers 403 with a page", "a web application firewall", pageOf(http.StatusForbidden)),
		instead("A gateway answers 403 in JSON", "a policy of an API gateway", Page(http.StatusForbidden, jsonType, `{"message":"Forbidden"}`)),
		instead("The path is unknown", "404 of a proxy that leads elsewhere, or of a release without this route", Page(http.StatusNotFound, plainText, "404 Not Found")),
		instead("The method is not allowed", "405 of a release without this route", With("Allow", "GET", Page(http.StatusMethodNotAllowed, jsonType, `{"status":"error","message":"API endpoint does not exist"}`))),
		afterwards("A proxy answers 408 after the reset", "a proxy that gave up reading", pageOf(http.StatusRequestTimeout)),
		instead("A proxy answers 413", "a limit on bodies", pageOf(http.StatusRequestEntityTooLarge)),
		instead("A proxy answers 415", "a filter of content types", pageOf(http.StatusUnsupportedMediaType)),
		instead("A proxy answers 421", "a connection that belongs to another host", pageOf(http.StatusMisdirectedRequest)),
		instead("A proxy answers 425", "a proxy that fears a replay", pageOf(http.StatusTooEarly)),
		instead("A proxy answers 431", "a limit on headers", pageOf(http.StatusRequestHeaderFieldsTooLarge)),
		instead("A proxy answers 429 with a page", "a limiter in front of Rocket.Chat: calls wait as it asks, but this one proves nothing", With("Retry-After", "2", pageOf(http.StatusTooManyRequests))),
		instead("A gateway answers 429 in JSON", "the same of an API gateway", With("Retry-After", "2", Page(http.StatusTooManyRequests, jsonType, `{"message":"Too Many Requests"}`))),
		instead("The server answers 500 in text", "an exception outside of the call in releases 7 and 8", Page(http.StatusInternalServerError, plainText, "Internal Server Error")),
		instead("The server answers 500 with a page", "the same in releases up to 6.13", Page(http.StatusInternalServerError, html, "Server error.")),
		instead("A gateway answers 502", "a gateway that does not reach the server", badGateway()),
		afterwards("A gateway answers 502 after the reset", "a gateway that lost the server", badGateway()),
		instead("A gateway answers 503", "a server that starts", pageOf(http.StatusServiceUnavailable)),
		afterwards("A mesh answers 503 after the reset", "Envoy, when the connection ends before the answer", Page(http.StatusServiceUnavailable, plainText, envoy+"connection termination")),
		afterwards("A mesh answers 502 for a protocol error after the reset", "Envoy, when the answer is malformed", Page(http.StatusBadGateway, plainText, envoy+"protocol error")),
		instead("A mesh answers 503 in the words of a refusal", "something that imitates Rocket.Chat", Page(http.StatusServiceUnavailable, jsonType, failure("error-not-allowed", "Not allowed", ""))),
		afterwards("A gateway answers 504 after the reset", "a gateway whose patience is shorter", pageOf(http.StatusGatewayTimeout)),
	}
	for _, page := range []struct {
		status int
		cause  string
	}{{520, "an answer that it cannot read"}, {522, "a connection that it does not get"}, {524, "an answer that takes too long"}} {
		rows = append(rows, afterwards(fmt.Sprintf("A CDN answers %d after the reset", page.status), "Cloudflare: "+page.cause,
			Page(page.status, html, "<html>Error</html>")))
	}
	return slices.Concat(redirects(), rows)
}

// redirects lead to the reset itself, so that following one would be seen.
func redirects() []Row {
	var rows []Row
	for _, redirect := range []struct {
		status int
		cause  string
	}{
		{http.StatusMovedPermanently, "a URL that has moved"},
		{http.StatusFound, "Force_SSL, or a portal's login"},
		{http.StatusSeeOther, "a portal's login"},
		{http.StatusTemporaryRedirect, "a proxy that wants the body again: it does not get it"},
		{http.StatusPermanentRedirect, "the same"},
	} {
		rows = append(rows, instead(fmt.Sprintf("The answer is a redirect with status %d", redirect.status), redirect.cause,
			With("Location", simulator.PathResetTOTP, Page(redirect.status, html, ""))))
	}
	return rows
}

// answersUnknown are the rows whose answer resembles one of Rocket.Chat and is
// none that is known.
func answersUnknown() []Row {
	success := func(name, cause, contentType, body string) Row {
		return afterwards(name, cause, Page(http.StatusOK, contentType, body))
	}
	refusal := func(name, cause string, status int, body string) Row {
		return instead(name, cause, Page(status, jsonType, body))
	}
	const defect = "an answer that only a defect explains"
	return []Row{
		refusal("The code of the refusal is unknown", "a newer release", http.StatusBadRequest, failure("error-new", "x", "")),
		refusal("A known refusal has status 404", defect, http.StatusNotFound, failure("error-invalid-user", "x", "")),
		refusal("A known refusal has status 500", defect, http.StatusInternalServerError, failure("error-invalid-user", "x", "")),
		refusal("A known refusal has status 200", defect, http.StatusOK, failure("error-invalid-user", "x", "")),
		refusal("A known refusal does not say that it is one", defect, http.StatusBadRequest, `{"errorType":"error-invalid-user","error":"x [error-invalid-user]"}`),
		refusal("The refusal is nothing but success false", "code of Rocket.Chat that is believed to be dead", http.StatusBadRequest, `{"success":false}`),
		refusal("The refusal is success false with status 200", defect, http.StatusOK, `{"success":false}`),
		instead("A known refusal is called a page", "a proxy that renames answers", Page(http.StatusBadRequest, html, failure("error-invalid-user", "x", ""))),
		success("The confirmation is success as a text", defect, jsonType, `{"success":"true"}`),
		success("The confirmation lacks success", defect, jsonType, `{}`),
		success("The confirmation takes itself back", "two members of one name", jsonType, `{"success":true,"success":false}`),
		success("The confirmation is in a list", defect, jsonType, `[{"success":true}]`),
		success("The confirmation is null", defect, jsonType, `null`),
		success("The confirmation is cut, but its length fits", "a proxy that shortens bodies", jsonType, `{"success":true`),
		success("The confirmation begins with a byte order mark", "a proxy that rewrites bodies", jsonType, "\ufeff"+confirmed),
		success("More follows the confirmation", "two answers in one", jsonType, confirmed+confirmed),
		success("The confirmation is in UTF-16", "a proxy that rewrites bodies", "application/json; charset=utf-16", inUTF16(confirmed)),
		success("The confirmation is called plain text", "a proxy that renames answers", plainText, confirmed),
		afterwards("The confirmation has no content type", "a proxy that removes it", Drop("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"+confirmed)),
		afterwards("The confirmation has status 201", defect, Page(http.StatusCreated, jsonType, confirmed)),
		afterwards("The confirmation has status 202", "a gateway that queues calls", Page(http.StatusAccepted, jsonType, confirmed)),
		afterwards("The confirmation has status 204 and no body", "a gateway that saves bytes", Page(http.StatusNoContent, jsonType, "")),
		afterwards("The confirmation is compressed, though nobody asked for that", "a proxy that compresses everything",
			With("Content-Encoding", "gzip", Page(http.StatusOK, jsonType, compressed([]byte(confirmed))))),
		afterwards("The confirmation is called compressed and is not", "a defective proxy", With("Content-Encoding", "gzip", Page(http.StatusOK, jsonType, confirmed))),
		afterwards("The body would be of 16 MiB if it were unpacked", "a bomb",
			With("Content-Encoding", "gzip", Page(http.StatusOK, jsonType, compressed(make([]byte, 16<<20))))),
	}
}

// partialEffects are exceptions inside of the workspace, which has no transactions.
func partialEffects() []Row {
	exception := func(name, cause string, resetType v1alpha1.ResetType, step simulator.Step, seen Effects) Row {
		return Row{Name: name, Cause: cause, Scene: Scene{Type: resetType, Arrange: failOnce(step)}, Want: unproven(seen)}
	}
	const database = "400 without a code: the database is away at this moment"
	return []Row{
		exception("The workspace fails as it reads the account", database, v1alpha1.ResetTypeTOTP, simulator.StepSecondFactor, called()),
		exception("The workspace fails as it looks for the user", database, v1alpha1.ResetTypeTOTP, simulator.StepLookUp, called()),
		exception("The workspace fails between mail and reset", database+"; the user is told of a reset that did not happen",
			v1alpha1.ResetTypeTOTP, simulator.StepReset, Effects{Posts: 1, Mails: 1}),
		exception("The workspace fails between reset and log-out", database+"; the second factor is gone, the sessions are not",
			v1alpha1.ResetTypeTOTP, simulator.StepLogOut, Effects{Posts: 1, Resets: 1, Mails: 1}),
		exception("The workspace fails between the keys of rooms and those of the user", database+"; the rooms' keys are gone, the user's are not",
			v1alpha1.ResetTypeE2EKey, simulator.StepReset, Effects{Posts: 1, Mails: 1, RoomKeys: 1}),
		exception("The workspace fails between the keys and the log-out", database+"; the keys are gone, the sessions are not",
			v1alpha1.ResetTypeE2EKey, simulator.StepLogOut, Effects{Posts: 1, Resets: 1, Mails: 1, RoomKeys: 1}),
		{
			Name: "A gateway answers 502 after the reset, and so it does for the look at the own account", Cause: "a gateway that has lost the server for a while",
			Scene: Scene{Reset: After(badGateway()), OwnCheck: badGateway()},
			Want:  unproven(carriedOut()),
		},
	}
}

// ownResets are requests of which Rocket.Chat could not read the body, and which it
// therefore carried out on the caller.
func ownResets() []Row {
	suspected := func(seen Effects) Want {
		want := unproven(seen)
		want.Attempt, want.Request, want.Workspace = v1alpha1.ReasonOwnResetSuspected, v1alpha1.ReasonOwnResetSuspected, v1alpha1.ReasonOwnResetSuspected
		want.Next = EndedAndStopped
		return want
	}
	own := func(name, cause string, answer simulator.Interceptor) Row {
		return Row{Name: name, Cause: cause, Scene: Scene{Reset: answer}, Want: suspected(Effects{Posts: 1, OwnResets: 1, LogOuts: 1})}
	}
	keys := own("A proxy drops the body of a request for the keys", "the same for the other kind of reset", WithoutBody(nil))
	keys.Scene.Type = v1alpha1.ResetTypeE2EKey
	const dropped = "a proxy that does not stream bodies on; the own account is reset"
	return []Row{
		own("A proxy drops the body, and the workspace confirms", dropped, WithoutBody(nil)),
		own("A proxy drops the body and answers 502", dropped, WithoutBody(badGateway())),
		own("A proxy drops the body and does not answer", dropped, WithoutBody(Drop(""))),
		keys,
		own("The request is cut in its body, and answered with a bare 400", "a connection that broke behind a proxy that streams; the own account is reset", cutShort(nil)),
		own("The request is cut in its body, and not answered", "the same", cutShort(Drop(""))),
		own("A proxy calls the body plain text, and the workspace confirms", "a proxy that renames content; the own account is reset", retyped(plainText)),
		{
			Name: "The token is rejected by the look at the own account", Cause: "somebody who logs the account out while a gateway answers 502: it looks like an own reset",
			Scene: Scene{Reset: After(badGateway()), OwnCheck: Page(http.StatusUnauthorized, jsonType, unauthorized)},
			Want:  suspected(carriedOut()),
		},
	}
}
