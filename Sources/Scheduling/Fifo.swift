/// A queue in order of arrival. What left it is let go of at once.
struct Fifo<Element> {
  private var slots: [Element?] = []
  private var head = 0

  var count: Int { slots.count - head }
  var isEmpty: Bool { count == 0 }
  var first: Element? { head < slots.count ? slots[head] : nil }

  mutating func append(_ element: Element) { slots.append(element) }

  mutating func popFirst() -> Element? {
    guard head < slots.count else { return nil }
    let element = slots[head].take()
    head += 1
    if head == slots.count {
      slots.removeAll(keepingCapacity: slots.capacity <= 1024)
      head = 0
    } else if head >= 256 && head * 2 >= slots.count {
      slots.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Puts back at the front what was just taken from there.
  mutating func putBack(_ element: Element) {
    if head > 0 {
      head -= 1
      slots[head] = element
    } else {
      slots.insert(element, at: 0)
    }
  }

  /// Hands each to `body`, in order, until that says false.
  func forEach(_ body: (Element) -> Bool) {
    for case .some(let element) in slots[head...] where !body(element) { return }
  }

  /// Takes out what `isGone` says of, in order.
  mutating func removeAll(where isGone: (Element) -> Bool) -> [Element] {
    var gone: [Element] = []
    var kept: [Element?] = []
    for case .some(let element) in slots[head...] {
      if isGone(element) { gone.append(element) } else { kept.append(element) }
    }
    if !gone.isEmpty {
      slots = kept
      head = 0
    }
    return gone
  }
}
