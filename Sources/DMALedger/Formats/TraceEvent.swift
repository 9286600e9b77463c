/// What one line of a capture says, in the words of the kernel model; the dialects end here.
package struct TraceEvent: Sendable {
  package enum Kind: UInt8, Sendable {
    /// A function was entered.
    case entry
    /// A function returned.
    case exit
    /// function_graph's leaf: entered and returned in one line.
    case leaf
    /// A probe at an address that no line has named so far was hit: an entry of some function.
    case entryAtAddress
    /// The same for a return.
    case exitAtAddress
    /// A device joined a group (`iommu:add_device_to_group`).
    case joined
    /// A device left a group (`iommu:remove_device_from_group`).
    case left
    /// A device was attached to a domain (`iommu:attach_device_to_domain`); a claim does it for every member.
    case attached
    /// A call of function_graph ended and the line does not say which: `}` at a depth.
    case closed
    /// Another task runs on this CPU from here on (function_graph's block of dashes).
    case switched
    /// A message of the kernel log in the stream (`printk:console`), under the task that printed it.
    case message
    /// A message of a kernel log; only its time tells what it belongs to.
    case logged
    /// A line of a user-space log or of a listing of groups.
    case told
    /// The tracer lost events of one CPU.
    case lost
    /// Nothing is known of this CPU before here: its buffer was overwritten.
    case bufferStarted
    /// A trace header: a new capture begins here.
    case restarted
  }

  /// Which tracer saw a call. One call may be seen by several.
  package enum Observer: UInt8, Sendable {
    case function
    case graph
    case probe
  }

  package var kind: Kind
  package var observer: Observer
  package var function: KernelFunction
  /// The immediate caller, where it is one that the model asks for. Tail calls hide the bus's hook.
  package var parent: KernelFunction?
  package var line: Int
  package var time: Nanoseconds?
  /// -1 where the line does not say.
  package var cpu: Int32
  /// -1 where the line does not say.
  package var pid: Int32
  package var comm: NameID?
  /// Nesting depth in function_graph, -1 elsewhere.
  package var depth: Int32
  package var fields: CallFields
  /// `told`: what it says.
  package var fact: IncidentFact?
  /// `message` and `logged`: what it says.
  package var message: KernelMessage?
  /// `lost`: how many; 0 where the tracer does not say. `switched`: the task that ran before, or -1. At an address: its
  /// bits.
  package var number: Int

  package init(kind: Kind = .entry, line: Int = 0) {
    self.kind = kind
    self.line = line
    observer = .function
    function = .use
    cpu = -1
    pid = -1
    depth = -1
    fields = CallFields()
    number = 0
  }

  /// The address of a probe whose function is not known.
  package var unnamedAddress: UInt64? {
    kind == .entryAtAddress || kind == .exitAtAddress ? UInt64(bitPattern: Int64(number)) : nil
  }

  /// The same event, once it is known which function is at its address.
  package func named(_ function: KernelFunction) -> TraceEvent {
    var event = self
    event.kind = kind == .exitAtAddress ? .exit : .entry
    event.function = function
    event.number = 0
    return event
  }
}

/// What a probe captured, recognised by the meaning of its field names.
package struct CallFields: Sendable {
  package var device: NameID?
  package var driver: NameID?
  /// `dev->iommu_group`; 0 is NULL, and then id, count and owner are stale bytes.
  package var groupPointer: UInt64?
  package var groupID: Int?
  package var count: Int?
  package var owner: UInt64?
  /// The second argument of a claim.
  package var newOwner: UInt64?
  /// The return value as printed, sign-extended where it was hexadecimal.
  package var result: Int64?
  /// The device has a name that there was no room for.
  package var isUnnamed = false
  /// Which of the user's own field names were there, a bit each; with more than 64 of them they share bits.
  package var extras: UInt64 = 0
  /// Whether a field that should have been text could not be read: `(fault)`.
  package var hasFault = false

  package init() {}

  /// Takes over what `other` knows and this one does not.
  package mutating func merge(_ other: CallFields) {
    device = device ?? other.device
    driver = driver ?? other.driver
    groupPointer = groupPointer ?? other.groupPointer
    groupID = groupID ?? other.groupID
    count = count ?? other.count
    owner = owner ?? other.owner
    newOwner = newOwner ?? other.newOwner
    result = result ?? other.result
  }
}
