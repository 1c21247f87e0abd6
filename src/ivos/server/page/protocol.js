// @ts-check
/** Messages between page and server. Made from `server/protocol.py` by
 * `python -m ivos.server.page_protocol`: do not change it by hand. */

export const VERSION = 1;

/** A stroke has at most so many points. */
export const MAX_POINTS = 20000;

/** A stroke, a click (one point) or a box (two corners); points are fractions of the frame.
 * @typedef {object} PromptValue
 * @property {"scribble" | "click" | "box"} kind
 * @property {number} object_id
 * @property {[number, number][]} path
 * @property {boolean} positive
 */

/** A frame that was drawn on and not yet propagated from, with its strokes.
 * @typedef {object} OpenValue
 * @property {number} frame
 * @property {PromptValue[]} prompts
 */

/** One object, and on which frames it was annotated, has a mask, or is locked.
 * @typedef {object} ObjectValue
 * @property {number} object_id
 * @property {string} name
 * @property {[number, number, number]} colour
 * @property {boolean} hidden
 * @property {boolean} locked
 * @property {number[]} annotated
 * @property {[number, number][]} masked
 * @property {[number, number][]} locked_frames
 */

/** One entry of the history, in words for people.
 * @typedef {object} StepValue
 * @property {number} number
 * @property {string} kind
 * @property {string} title
 * @property {number} frames
 */

/** The open video. ``timestamps`` only where frames are not evenly spaced, in seconds.
 * @typedef {object} VideoValue
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {number} frames
 * @property {number} fps
 * @property {number[] | null} timestamps
 */

/** Long work that is going on: a propagation or an export.
 * @typedef {object} RunValue
 * @property {"propagate" | "export"} kind
 * @property {string} title
 * @property {number} frame
 * @property {number} done
 * @property {number} total
 * @property {number | null} seconds_left
 */

/** Something that can be opened; ``path`` is relative to the opened folder.
 * @typedef {object} PlaceValue
 * @property {string} path
 * @property {string} name
 * @property {"video" | "project" | "images" | "folder"} kind
 * @property {number} size
 * @property {number} modified
 */

/** What lies in a folder that may be opened.
 * @typedef {object} PlacesValue
 * @property {string} folder
 * @property {string} root
 * @property {PlaceValue[]} places
 */

/** One choice of an export: its name, what it is, and what it may be.
 * @typedef {object} OptionValue
 * @property {string} name
 * @property {string} title
 * @property {"number" | "text" | "flag" | "choice"} kind
 * @property {string | number | boolean | null} default
 * @property {string[]} choices
 * @property {string} about
 */

/** Something that can be exported.
 * @typedef {object} KindValue
 * @property {string} name
 * @property {string} title
 * @property {string} about
 * @property {string} group
 * @property {string} suffix
 * @property {OptionValue[]} options
 */

/** The answer to opening a video or project: the key of its session.
 * @typedef {object} OpenedValue
 * @property {string} key
 * @property {number} version
 */

/** First words of a page; ``take_over`` where another page holds the project.
 * @typedef {object} Hello
 * @property {number} version
 * @property {string} client
 * @property {boolean} take_over
 * @property {"hello"} type
 */

/** Prompts that were drawn on one frame, for the network to answer.
 * @typedef {object} Interact
 * @property {number} id
 * @property {number} frame
 * @property {PromptValue[]} prompts
 * @property {"interact"} type
 */

/** Exact pixels of one object, added or erased by a brush.
 * @typedef {object} Paint
 * @property {number} id
 * @property {number} frame
 * @property {number} object_id
 * @property {boolean} erase
 * @property {number[]} runs
 * @property {"paint"} type
 */

/** Carry what was drawn through the video, within ``start`` .. ``stop`` (half open) if given.
 * @typedef {object} Propagate
 * @property {number} id
 * @property {number | null} start
 * @property {number | null} stop
 * @property {boolean} forward
 * @property {boolean} backward
 * @property {boolean} across_cuts
 * @property {"propagate"} type
 */

/** Stop the run that is going on; what is done is kept.
 * @typedef {object} Cancel
 * @property {number} id
 * @property {"cancel"} type
 */

/** A new object; the server gives it the next free number.
 * @typedef {object} AddObject
 * @property {number} id
 * @property {string | null} name
 * @property {"add_object"} type
 */

/** New name, colour, or eye and lock of an object; what is null stays.
 * @typedef {object} ChangeObject
 * @property {number} id
 * @property {number} object_id
 * @property {string | null} name
 * @property {[number, number, number] | null} colour
 * @property {boolean | null} hidden
 * @property {boolean | null} locked
 * @property {"change_object"} type
 */

/** Delete an object and its masks (can be undone).
 * @typedef {object} RemoveObject
 * @property {number} id
 * @property {number} object_id
 * @property {"remove_object"} type
 */

/** Accept (lock) or release frames; for all objects where ``object_id`` is null.
 * @typedef {object} Lock
 * @property {number} id
 * @property {number} start
 * @property {number} stop
 * @property {number | null} object_id
 * @property {boolean} locked
 * @property {"lock"} type
 */

/** Put the masks from before step ``step`` back on frames ``start`` .. ``stop``.
 * @typedef {object} Reject
 * @property {number} id
 * @property {number} step
 * @property {number} start
 * @property {number} stop
 * @property {number | null} object_id
 * @property {"reject"} type
 */

/** Take the last step back.
 * @typedef {object} Undo
 * @property {number} id
 * @property {"undo"} type
 */

/** Do the last undone step again.
 * @typedef {object} Redo
 * @property {number} id
 * @property {"redo"} type
 */

/** Write a deliverable of the given kind into the project's export folder.
 * @typedef {object} Export
 * @property {number} id
 * @property {string} kind
 * @property {Record<string, string | number | boolean | null>} options
 * @property {"export"} type
 */

/** Make this page the one that may change the project.
 * @typedef {object} TakeOver
 * @property {number} id
 * @property {"take_over"} type
 */

/** The server will not talk to this page; the reason is one line for people.
 * @typedef {object} Refused
 * @property {string} reason
 * @property {"refused"} type
 */

/** The answer to ``Hello``: what is open, and whether this page may change it.
 * @typedef {object} Welcome
 * @property {number} version
 * @property {VideoValue} video
 * @property {string} project
 * @property {string} network
 * @property {boolean} driving
 * @property {"welcome"} type
 */

/** Everything of the session but masks and review; sent after each step.
 * @typedef {object} Snapshot
 * @property {ObjectValue[]} objects
 * @property {number[]} annotated
 * @property {number} rounds
 * @property {OpenValue[]} open
 * @property {number} head
 * @property {StepValue[]} steps
 * @property {string | null} undo
 * @property {string | null} redo
 * @property {number | null} last_run
 * @property {[number, number][]} last_run_frames
 * @property {number[]} cuts
 * @property {RunValue | null} run
 * @property {number} waiting
 * @property {"snapshot"} type
 */

/** How sure the network is and how much the last run changed, per frame from ``start`` on.
 * @typedef {object} Review
 * @property {number} object_id
 * @property {number} start
 * @property {string} confidence
 * @property {string} change
 * @property {"review"} type
 */

/** Masks that the page has of these frames are out of date.
 * @typedef {object} MasksChanged
 * @property {[number, number][]} spans
 * @property {"masks_changed"} type
 */

/** A run goes on: one more frame is done.
 * @typedef {object} Running
 * @property {RunValue} run
 * @property {"running"} type
 */

/** A run is over. ``result`` is where an export lies, as an address to download it from.
 * @typedef {object} RunEnded
 * @property {"propagate" | "export"} kind
 * @property {boolean} cancelled
 * @property {string | null} error
 * @property {number} done
 * @property {number} seconds
 * @property {string | null} folder
 * @property {string | null} result
 * @property {"run_ended"} type
 */

/** Command ``id`` is done and on disk. ``waiting``: it will be, when the run is over.
 * @typedef {object} Done
 * @property {number} id
 * @property {number} seconds
 * @property {boolean} waiting
 * @property {"done"} type
 */

/** Command ``id`` could not be done; the message is one line for people.
 * @typedef {object} Failed
 * @property {number} id
 * @property {string} message
 * @property {"failed"} type
 */

/** Whether this page is the one that may change the project.
 * @typedef {object} Driving
 * @property {boolean} driving
 * @property {"driving"} type
 */

/** Another video was opened: this session is over.
 * @typedef {object} Closed
 * @property {string} reason
 * @property {"closed"} type
 */

/** @typedef {Interact | Paint | Propagate | Cancel | AddObject | ChangeObject | RemoveObject | Lock | Reject | Undo | Redo | Export | TakeOver} Command */

/** @typedef {Refused | Welcome | Snapshot | Review | MasksChanged | Running | RunEnded | Done | Failed | Driving | Closed} ServerEvent */
