#include "protocol/value_codec.h"

namespace mito::protocol {

MITO_TABLE(ErrorMsg, MEMBER(msg));
MITO_TABLE(RemoteResourceDownloadResp, MEMBER(url), MEMBER(size));

}  // namespace mito::protocol
