package demo;

class Helper extends Base {
    static String text() {
        return "new";
    }
}
