// A CloudFront Function for viewer requests: every address whose last part has no dot is answered by /index.html.
function handler(event) {
    var request = event.request;
    var last = request.uri.split('/').pop();
    if (!last.includes('.') && !request.uri.startsWith('/.well-known/')) {
        request.uri = '/index.html';
    }
    return request;
}
