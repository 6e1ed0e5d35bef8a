package rocketchat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Code is an error code of Rocket.Chat that this package knows. Codes it does
// not know are CodeUnknown, so that no foreign text crosses into a log.
type Code string

// The codes, as errorType or in the brackets at the end of an error text.
const (
	CodeNone                Code = ""        // the answer has none
	CodeUnknown             Code = "unknown" // the answer has one that is not listed here
	CodeNotAllowed          Code = "error-not-allowed"
	CodeUnauthorized        Code = "error-unauthorized"
	CodeTwoFactorNotEnabled Code = "error-two-factor-not-enabled"
	CodeInvalidUser         Code = "error-invalid-user"
	CodeUserVanished        Code = "invalid-user"
	CodeUserParamMissing    Code = "error-user-param-not-provided"
	CodeInvalidParams       Code = "invalid-params"
	CodeErrorInvalidParams  Code = "error-invalid-params"
	CodeTOTPRequired        Code = "totp-required"
	CodeTOTPInvalid         Code = "totp-invalid"
	CodeTOTPMaxAttempts     Code = "totp-max-attempts"
	CodeTOTPUserNotFound    Code = "totp-user-not-found"
	CodeEmailSendFailed     Code = "error-email-send-failed"
	CodeTooManyRequests     Code = "error-too-many-requests"
)

// known returns the code of that spelling.
func known(text string) Code {
	switch code := Code(text); code {
	case CodeNone, CodeNotAllowed, CodeUnauthorized, CodeTwoFactorNotEnabled, CodeInvalidUser, CodeUserVanished,
		CodeUserParamMissing, CodeInvalidParams, CodeErrorInvalidParams, CodeTOTPRequired, CodeTOTPInvalid,
		CodeTOTPMaxAttempts, CodeTOTPUserNotFound, CodeEmailSendFailed, CodeTooManyRequests:
		return code
	case CodeUnknown:
		return CodeUnknown
	}
	return CodeUnknown
}

// Details are the parts of an answer's details that this package knows.
type Details struct {
	// Method is the second factor that the server asks for: "totp", "email",
	// "password", "unknown" for any other, or empty.
	Method string
	// HasFunction says that the details name a function, which tells a federated
	// target from a missing permission.
	HasFunction bool
}

// AnswerError is an answer that is not the expected success. Body, headers and
// query of the exchange are not in it.
type AnswerError struct {
	Route  string // the path below /api, such as "v1/me"
	Status int    // the HTTP status
	// RocketChat says that the body is a JSON object that says of itself that the
	// call did not succeed: "success" is false, or it is the 401 of old releases.
	RocketChat bool
	// LoginRequired says that the body is Rocket.Chat's 401 in one of its shapes.
	LoginRequired bool
	// UserNotFound says that the error text is the one of users.info for a user
	// that is not there, which has no code.
	UserNotFound bool
	// Federated says that the error text speaks of a federated user.
	Federated bool
	ErrorType Code // from the member errorType
	TextCode  Code // from the brackets at the end of the member error
	Details   Details
	RateLimit RateLimit
}

// Error implements error.
func (e *AnswerError) Error() string {
	code := e.ErrorType
	if code == CodeNone {
		code = e.TextCode
	}
	if code == CodeNone {
		return fmt.Sprintf("%s answered with status %d", e.Route, e.Status)
	}
	return fmt.Sprintf("%s answered with status %d and code %q", e.Route, e.Status, code)
}

// TransportError means that no whole answer arrived.
type TransportError struct {
	Route string
	// Connected says that a connection had been obtained. If it had not, nothing
	// can have reached the server.
	Connected bool
	// Err is the cause. Once there was a connection it is ErrTimedOut or ErrLost
	// and nothing else, because the cause may quote what the server sent. Before,
	// its text quotes nothing of the server either.
	Err error
}

// Error implements error.
func (e *TransportError) Error() string {
	if e.Connected {
		return fmt.Sprintf("%s: no whole answer: %v", e.Route, e.Err)
	}
	return fmt.Sprintf("%s: no connection: %v", e.Route, e.Err)
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// Causes of a TransportError once there was a connection.
var (
	// ErrTimedOut means that the time for the exchange was up.
	ErrTimedOut = errors.New("the time was up")
	// ErrLost means that the connection broke or the answer was no whole HTTP.
	ErrLost = errors.New("the connection was lost")
)

// Refusals of this package itself; nothing is sent.
var (
	// ErrBlankUserID refuses a reset without a user id, which the server would
	// carry out on the caller.
	ErrBlankUserID = errors.New("the user id is blank")
	// ErrOwnUserID refuses to reset the caller's own account.
	ErrOwnUserID = errors.New("the user id is the caller's own")
)

// handshakeError is a TLS handshake that failed. Its text is made here, because
// that of the cause may quote names out of the server's certificate.
type handshakeError struct{ cause error }

// Error implements error.
func (e *handshakeError) Error() string { return "TLS handshake: " + e.problem() }

// Unwrap returns the cause.
func (e *handshakeError) Unwrap() error { return e.cause }

func (e *handshakeError) problem() string {
	if _, ok := errors.AsType[x509.HostnameError](e.cause); ok {
		return "the server's certificate is for another host"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.cause); ok {
		return "the server's certificate is signed by an unknown authority"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](e.cause); ok && invalid.Reason == x509.Expired {
		return "the server's certificate has expired or is not yet valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.cause); ok {
		return "the server's certificate is not valid"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](e.cause); ok {
		return "the server does not speak TLS"
	}
	if errors.Is(e.cause, context.DeadlineExceeded) {
		return "the time was up"
	}
	return "the server did not complete it"
}
