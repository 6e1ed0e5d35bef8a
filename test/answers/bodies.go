package answers

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// confirmed is the body of a success.
const confirmed = `{"success":true}`

// The bodies of a rejected token, by release.
const (
	loginText       = "You must be logged in to do this."
	unauthorizedOld = `{"status":"error","message":"` + loginText + `"}`
	unauthorized    = `{"success":false,"error":"` + loginText + `","status":"error","message":"` + loginText + `"}`
	unauthorizedNew = `{"success":false,"error":"` + loginText + `"}`
)

// ok begins an answer of status 200 in JSON.
const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

// whole is an answer of status 200 in JSON that is as it should be.
const whole = ok + "Content-Length: 16\r\n\r\n" + confirmed

// failure is the body of a refusal. Details are left out if empty.
func failure(code, text, details string) string {
	body := fmt.Sprintf(`{"success":false,"error":%s,"errorType":%s`, quoted(text+" ["+code+"]"), quoted(code))
	if details != "" {
		body += `,"details":` + details
	}
	return body + "}"
}

func quoted(text string) string {
	quote, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quote)
}

// challenge is the details of a refused second factor.
func challenge(method string) string {
	return fmt.Sprintf(`{"method":%q,"codeGenerated":false,"availableMethods":[]}`, method)
}

// slowDown is the text of the limiter.
func slowDown(seconds int) string {
	return fmt.Sprintf("Error, too many requests. Please slow down. "+
		"You must wait %d seconds before trying this endpoint again. [error-too-many-requests]", seconds)
}

// limiter answers as the limiter does. Its X-RateLimit-Reset is what reset makes of
// the present time, and absent without it.
func limiter(text string, reset func(now time.Time) int64) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if reset != nil {
			rw.Header().Set("X-RateLimit-Limit", "10")
			rw.Header().Set("X-RateLimit-Remaining", "0")
			rw.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset(time.Now()), 10))
		}
		Page(http.StatusTooManyRequests, jsonType, `{"success":false,"error":`+quoted(text)+`}`)(rw, r, next)
	}
}

// dated gives an answer the Date of a clock that is wrong.
func dated(skew time.Duration, answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		rw.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
		answer(rw, r, next)
	}
}

// compressed is a text as gzip makes it.
func compressed(text []byte) string {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	_, _ = writer.Write(text) // a buffer takes everything
	_ = writer.Close()
	return buffer.String()
}

// inUTF16 is a text in another encoding than JSON is in, with its byte order mark.
func inUTF16(text string) string {
	var buffer bytes.Buffer
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		buffer.Write([]byte{byte(unit >> 8), byte(unit)})
	}
	return buffer.String()
}
