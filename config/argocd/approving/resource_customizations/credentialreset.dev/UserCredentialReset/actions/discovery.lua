local reason = ""
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Succeeded" then
    reason = condition.reason
  end
end

local known = status.target ~= nil
local ended = status.outcome == "Failed" or status.outcome == "Skipped" or status.outcome == "Unconfirmed"
-- After these, asking again would go round a decision or repeat a mistake.
local settled = {Denied = true, TargetChanged = true, UserFederated = true, UserProtected = true}

local actions = {}
actions["approve"] = {
  ["displayName"] = "Approve",
  ["iconClass"] = "fa fa-fw fa-check",
  ["disabled"] = not (reason == "AwaitingApproval" and known),
  ["params"] = {{["name"] = "userID"}, {["name"] = "message"}},
}
actions["deny"] = {
  ["displayName"] = "Deny",
  ["iconClass"] = "fa fa-fw fa-ban",
  ["disabled"] = not (reason == "AwaitingApproval" and known),
  ["params"] = {{["name"] = "message"}},
}
actions["again"] = {
  ["displayName"] = "Ask again",
  ["iconClass"] = "fa fa-fw fa-redo",
  ["disabled"] = not (ended and known and not settled[reason]),
  ["params"] = {{["name"] = "hours"}, {["name"] = "justification"}},
}
return actions
