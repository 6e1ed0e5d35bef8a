package simulator

// era is what tells one generation of the server from another. A generation
// differs in the order in which it judges a call, in the checks that take part,
// and in the body of its refusals; all of it is data here, so that another
// generation is another value.
type era struct {
	stages       []stage // from the headers to the action, in order
	unauthorized any     // body of a 401
}

// stage judges a call. It returns nil to let the call go on.
type stage func(*call) *reply

// eraH8 is the generation of 8.6.1: schema errors come before the limiter, the
// limiter before the second factor.
func eraH8() era {
	const text = "You must be logged in to do this."
	return era{
		stages: []stage{
			(*call).authenticate,
			(*call).permit,
			(*call).checkQuery,
			(*call).checkBody,
			(*call).limit,
			(*call).passSecondFactor,
		},
		unauthorized: struct {
			Success bool   `json:"success"`
			Error   string `json:"error"`
			Status  string `json:"status"`
			Message string `json:"message"`
		}{Error: text, Status: "error", Message: text},
	}
}
