-- An approval has no status: whether it counts is said by the request. One without a name can never count, since its
-- spec is immutable.
local approver = obj.spec.approvedBy
if obj.spec.decision == "Approved" and approver == nil then
  return {status = "Degraded", message = "Does not count: spec.approvedBy does not say who approved"}
end
return {status = "Healthy", message = obj.spec.decision .. " by " .. (approver or "somebody who is not named")}
