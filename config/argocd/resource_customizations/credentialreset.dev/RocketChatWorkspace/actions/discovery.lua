local suspended = obj.spec.suspend == true

local actions = {}
actions["suspend"] = {
  ["displayName"] = "Suspend all resets",
  ["iconClass"] = "fa fa-fw fa-pause-circle",
  ["disabled"] = suspended,
}
actions["resume"] = {
  ["displayName"] = "Resume resets",
  ["iconClass"] = "fa fa-fw fa-play-circle",
  ["disabled"] = not suspended,
}
return actions
