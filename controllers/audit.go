package controllers

// audit writes what became of an attempt into the log, before anything of it goes
// to the API server: whatever fails from there on, what happened can be found.
func (o *Operator) audit(message string, held holding) {
	approver := ""
	if held.record.Approval != nil {
		approver = held.record.Approval.ApprovedBy
	}
	o.options.Audit.Info(message, "audit", true,
		"attempt", held.id, "result", held.result.Result, "reason", held.result.Reason,
		"type", held.record.Type, "userID", held.record.Target.UserID, "username", held.record.Target.Username,
		"host", held.record.Target.Host, "request", held.request().String(), "requestUID", held.record.Request.UID,
		"record", held.record.Name, "justification", held.record.Justification,
		"requestedBy", held.record.RequestedBy, "approvedBy", approver)
}
